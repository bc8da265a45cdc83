//! Cutting a stream into chunks.

/// The pieces of `stream` that these lengths cut it into, over and over, 0 included.
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
