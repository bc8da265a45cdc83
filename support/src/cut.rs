//! Cuts a stream into chunks.

/// Cuts `stream` into pieces of these lengths, repeating the list to the end. A length may be 0.
pub fn cut<'a, L: Copy + Into<usize>>(stream: &'a [u8], lengths: &[L]) -> Vec<&'a [u8]> {
    let mut rest = stream;
    let mut chunks = Vec::new();
    for len in lengths.iter().map(|&len| len.into()).cycle() {
        if rest.is_empty() || lengths.iter().all(|&len| len.into() == 0) {
            break;
        }
        let (front, back) = rest.split_at(len.min(rest.len()));
        chunks.push(front);
        rest = back;
    }
    chunks.push(rest);
    chunks
}
