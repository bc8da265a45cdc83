//! [`Agreed`], the parameters in use on a connection.

use super::DeflateParams;
use alloc::boxed::Box;
use alloc::string::{String, ToString};

/// The parameters of a connection's compression, and their text.
#[derive(Clone, Debug)]
pub(in crate::ws) struct Agreed(Box<(DeflateParams, String)>);

impl Agreed {
    pub(in crate::ws) fn new(params: DeflateParams) -> Self {
        Self(Box::new((params, params.to_string())))
    }

    pub(in crate::ws) fn params(&self) -> DeflateParams {
        self.0.0
    }

    /// Returns the parameters in the form of a server's answer.
    pub(in crate::ws) fn text(&self) -> &str {
        &self.0.1
    }
}
