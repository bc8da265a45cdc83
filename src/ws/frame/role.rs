//! The two ends of a connection.

/// Which end of a connection we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Frames that we send are masked, and those that we receive are not.
    Client,
    /// Frames that we receive are masked, and those that we send are not.
    Server,
}
