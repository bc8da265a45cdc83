//! Frames ([RFC 6455, section 5]): their parts, and the decoder that turns bytes into events.
//!
//! [RFC 6455, section 5]: https://www.rfc-editor.org/rfc/rfc6455#section-5

pub(super) mod close;
#[expect(clippy::module_inception, reason = "a file is named after its type")]
pub(super) mod frame;
pub(super) mod limits;
pub(super) mod mask;
#[cfg(feature = "getrandom")]
pub(super) mod os_mask_keys;
pub(super) mod protocol_error;

#[cfg(feature = "alloc")]
mod encoded;
mod fragments;
mod frame_decoder;
mod frame_event;
mod frame_header;
mod role;
mod utf8_validator;

pub use close::{IntoClose, InvalidCloseCode};
pub use fragments::Fragments;
pub use frame::ControlTooLong;
pub use frame_decoder::FrameDecoder;
pub use frame_event::{DataKind, FrameEvent, Run};
pub use frame_header::{FrameHeader, HeaderBytes, OpCode, Rsv};
pub use limits::OnLimit;
pub use mask::{MaskKey, NoMask, NoMaskKey};
pub use protocol_error::Fault;
pub use role::Role;
pub use utf8_validator::{InvalidUtf8, Utf8Validator};

// Used by the layers above.
pub(super) use close::{Close, CloseCode};
pub(super) use frame::Frame;
pub(super) use frame::Shape;
pub(super) use limits::Limits;
pub(super) use mask::MaskSource;
pub(super) use protocol_error::ProtocolError;
#[cfg(feature = "alloc")]
pub(super) use {
    encoded::{Encoded, FrameLen},
    frame_decoder::Step,
};
