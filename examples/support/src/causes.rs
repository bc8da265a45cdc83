//! Errors with their causes, in one line.

use std::error::Error;

/// Returns an error with its causes as text, without those that its own text contains.
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
