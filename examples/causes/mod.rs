//! Errors as people read them.

use std::error::Error;

/// An error and its causes, but for those that it tells itself.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.contains(&told) {
            text = text + ": " + &told;
        }
        cause = error.source();
    }
    text
}
