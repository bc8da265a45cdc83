//! [`Role`], which end of a connection this is.

/// Which end of a connection we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// We mask the frames that we send. Frames that we receive are unmasked.
    Client,
    /// Frames that we receive are masked. We send unmasked frames.
    Server,
}
