//! Errors with their causes, as one line of text.

use std::error::Error;

/// Returns the text of an error and its causes. Leaves out a cause that the text already contains.
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_text = error.to_string();
        if !text.contains(&cause_text) {
            text = text + ": " + &cause_text;
        }
        cause = error.source();
    }
    text
}
