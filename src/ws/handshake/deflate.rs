//! The negotiation of permessage-deflate ([RFC 7692], sections 5 and 7.1).
//!
//! [RFC 7692]: https://www.rfc-editor.org/rfc/rfc7692#section-5

use super::{Extension, ParamValue, ResponseError};
use crate::ws::deflate::{Deflate, DeflateParams, WindowBits, names};

/// A client's offer: one set of parameters, or a second one without its demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    wanted: DeflateParams,
    fallback: bool,
}

impl Offer {
    pub(super) fn of(deflate: &Deflate) -> Self {
        let mut wanted = deflate.wants(false);
        wanted.client_max_window_bits.get_or_insert(WindowBits::MAX);
        Self { wanted, fallback: deflate.falls_back() }
    }

    /// Returns the offers, the preferred one first.
    fn offers(self) -> impl Iterator<Item = DeflateParams> {
        let modest = DeflateParams {
            server_no_context_takeover: false,
            server_max_window_bits: None,
            ..self.wanted
        };
        let fallback = (self.fallback && modest != self.wanted).then_some(modest);
        core::iter::once(self.wanted).chain(fallback)
    }

    /// Returns the value of the header, piece by piece.
    pub(super) fn pieces(self) -> impl Iterator<Item = &'static str> {
        self.offers().enumerate().flat_map(|(index, offer)| {
            let comma = (index > 0).then_some(", ");
            comma.into_iter().chain(offer.pieces(true))
        })
    }

    /// Returns the parameters that the server's answer agrees on. It must answer one of the offers.
    pub(super) fn agreed<'a>(
        self,
        mut extensions: impl Iterator<Item = Option<Extension<'a>>>,
    ) -> Result<DeflateParams, ResponseError> {
        let (Some(Some(answer)), None) = (extensions.next(), extensions.next()) else {
            return Err(ResponseError::Extension);
        };
        if answer.name() != names::EXTENSION {
            return Err(ResponseError::Extension);
        }
        let answer = Params::parse(answer).ok_or(ResponseError::ExtensionParameters)?;
        if !self.offers().any(|offer| answer.answers(offer)) {
            return Err(ResponseError::ExtensionParameters);
        }
        let mut agreed = answer.agreed().ok_or(ResponseError::ExtensionParameters)?;
        // What we announced for our own half holds in any case.
        agreed.client_no_context_takeover |= self.wanted.client_no_context_takeover;
        let announced = self.wanted.client_max_window_bits.filter(|bits| *bits < WindowBits::MAX);
        agreed.client_max_window_bits = agreed.client_max_window_bits.or(announced);
        Ok(agreed)
    }
}

/// Returns a server's answer to the offers of a client: the first offer that it can accept.
pub(super) fn accept<'a>(
    deflate: &Deflate,
    offers: impl Iterator<Item = Extension<'a>>,
) -> Option<DeflateParams> {
    let wanted = deflate.wants(true);
    offers
        .filter(|offer| offer.name() == names::EXTENSION)
        .filter_map(Params::parse)
        .filter_map(|offer| offer.accepted(wanted))
        .find(|agreed| deflate.falls_back() || is_within(*agreed, wanted))
}

/// Returns whether the client may refer back no further than is wanted. A server can impose
/// everything else (7.1).
fn is_within(agreed: DeflateParams, wanted: DeflateParams) -> bool {
    let bits = |params: DeflateParams| params.client_max_window_bits.unwrap_or(WindowBits::MAX);
    bits(agreed) <= bits(wanted)
}

/// The parameters of an offer or an answer, each at most once.
#[derive(Default)]
struct Params {
    named: DeflateParams,
    /// Whether `client_max_window_bits` has no value, as is allowed in an offer.
    without_value: bool,
}

impl Params {
    /// Returns `None` if a parameter is unknown, repeated, or has a value that it cannot have.
    fn parse(extension: Extension<'_>) -> Option<Self> {
        let mut params = Self::default();
        let Self { named, without_value } = &mut params;
        for (name, value) in extension.params() {
            let is_new = match (name, value) {
                (names::SERVER_NO_CONTEXT_TAKEOVER, None) => {
                    !core::mem::replace(&mut named.server_no_context_takeover, true)
                }
                (names::CLIENT_NO_CONTEXT_TAKEOVER, None) => {
                    !core::mem::replace(&mut named.client_no_context_takeover, true)
                }
                (names::SERVER_MAX_WINDOW_BITS, Some(value)) => {
                    named.server_max_window_bits.replace(window_bits(value)?).is_none()
                }
                (names::CLIENT_MAX_WINDOW_BITS, value) => {
                    *without_value = value.is_none();
                    let bits = value.map_or(Some(WindowBits::MAX), window_bits)?;
                    named.client_max_window_bits.replace(bits).is_none()
                }
                _ => false,
            };
            if !is_new {
                return None;
            }
        }
        Some(params)
    }

    /// Returns a server's answer to this offer, if it accepts it (7.1.1, 7.1.2).
    fn accepted(&self, wanted: DeflateParams) -> Option<DeflateParams> {
        let Self { named, without_value } = *self;
        let least = |a: Option<WindowBits>, b| a.into_iter().chain(b).min();
        let server_max_window_bits =
            least(named.server_max_window_bits, wanted.server_max_window_bits);
        if server_max_window_bits.is_some_and(|bits| bits < WindowBits::MIN_WRITTEN) {
            return None;
        }
        Some(DeflateParams {
            server_no_context_takeover: named.server_no_context_takeover
                || wanted.server_no_context_takeover,
            client_no_context_takeover: named.client_no_context_takeover
                || wanted.client_no_context_takeover,
            server_max_window_bits,
            // May only be limited if the client knows the parameter.
            client_max_window_bits: match named.client_max_window_bits {
                None => None,
                Some(_) if without_value => wanted.client_max_window_bits,
                offered => least(offered, wanted.client_max_window_bits),
            },
        })
    }

    /// Returns whether this answer grants everything that the offer demands of the server, and does
    /// not ask the client for a larger window than it has.
    fn answers(&self, offer: DeflateParams) -> bool {
        let named = self.named;
        let granted = |bits| named.server_max_window_bits.is_some_and(|granted| granted <= bits);
        let within = |bits| offer.client_max_window_bits.is_none_or(|offered| bits <= offered);
        (named.server_no_context_takeover || !offer.server_no_context_takeover)
            && offer.server_max_window_bits.is_none_or(granted)
            && named.client_max_window_bits.is_none_or(within)
    }

    /// Returns the parameters that this answer agrees on, if it is valid and zlib can keep to it.
    fn agreed(self) -> Option<DeflateParams> {
        let written = |bits| bits >= WindowBits::MIN_WRITTEN;
        let can = !self.without_value && self.named.client_max_window_bits.is_none_or(written);
        can.then_some(self.named)
    }
}

/// Parses a decimal number from 8 to 15 without leading zeros.
fn window_bits(value: ParamValue<'_>) -> Option<WindowBits> {
    (8..=15).filter_map(WindowBits::new).find(|bits| value == bits.text())
}
