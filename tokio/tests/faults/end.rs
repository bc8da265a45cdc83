//! [`End`], how a client's connection ended.

use std::error::Error;
use std::iter::successors;

/// How a client's connection ended.
#[derive(Debug)]
pub enum End {
    /// The connection was opened, and that was all.
    Open,
    /// The connection ended cleanly.
    Clean,
    Failed {
        error: Box<dyn Error + Send + Sync>,
        /// Whether another attempt would end in the same way, if the error says so.
        is_permanent: Option<bool>,
    },
}

impl End {
    pub fn failed(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Failed { error: error.into(), is_permanent: None }
    }

    pub fn error(&self) -> &(dyn Error + 'static) {
        match self {
            Self::Failed { error, .. } => &**error,
            end => panic!("not a failure: {end:?}"),
        }
    }

    pub const fn is_permanent(&self) -> Option<bool> {
        match self {
            Self::Failed { is_permanent, .. } => *is_permanent,
            _ => None,
        }
    }

    /// Returns the first cause of this type, which is not the error itself.
    pub fn cause<E: Error + 'static>(&self) -> Option<&E> {
        successors(self.error().source(), |&error| error.source()).find_map(|it| it.downcast_ref())
    }

    /// Returns the error's text, or a text for the other ends.
    pub fn text(&self) -> String {
        match self {
            Self::Open => "connected".to_owned(),
            Self::Clean => "closed cleanly".to_owned(),
            Self::Failed { error, .. } => error.to_string(),
        }
    }
}
