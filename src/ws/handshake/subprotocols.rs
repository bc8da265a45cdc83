//! [`Subprotocols`], the names that a client asks for.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

#[derive(Clone, Debug)]
pub(super) enum Subprotocols<'r> {
    Listed(&'r [&'r str]),
    /// The names with commas in between. No name has a comma.
    #[cfg(feature = "alloc")]
    Joined(Box<str>),
}

impl Subprotocols<'_> {
    #[cfg(feature = "alloc")]
    pub(super) fn into_owned(self) -> Subprotocols<'static> {
        Subprotocols::Joined(match self {
            Self::Listed(names) => names.join(",").into(),
            Self::Joined(names) => names,
        })
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let (listed, joined): (&[&str], &str) = match self {
            Self::Listed(names) => (names, ""),
            #[cfg(feature = "alloc")]
            Self::Joined(names) => (&[], names),
        };
        let joined = joined.split(',').filter(|name| !name.is_empty());
        listed.iter().copied().chain(joined)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.names().next().is_none()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names().any(|it| it == name)
    }

    /// Returns the value of the header, piece by piece.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &str> {
        let comma = |index| if index > 0 { ", " } else { "" };
        self.names().enumerate().flat_map(move |(index, name)| [comma(index), name])
    }
}

impl PartialEq for Subprotocols<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.names().eq(other.names())
    }
}

impl Eq for Subprotocols<'_> {}
