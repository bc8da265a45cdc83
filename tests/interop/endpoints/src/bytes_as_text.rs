//! Bytes as JSON strings.

use serde::{Deserialize, Serialize};

/// Bytes that are a string in JSON, with one character for each byte (Latin-1).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct BytesAsText(pub Vec<u8>);

impl TryFrom<String> for BytesAsText {
    type Error = std::char::TryFromCharError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.chars().map(u8::try_from).collect::<Result<_, _>>().map(Self)
    }
}

impl From<BytesAsText> for String {
    fn from(BytesAsText(bytes): BytesAsText) -> Self {
        bytes.into_iter().map(char::from).collect()
    }
}
