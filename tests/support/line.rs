//! The numbered lines that writers write and the tally reads back.
//!
//! A line proves itself: `<id> <seq> <len> <filler> <checksum>`. The checksum covers all before it, so
//! a torn, mixed or repeated line cannot pass for a whole one.

/// A line without its end: what `parse` gives back as (id, seq).
pub(crate) fn compose(id: u32, seq: u64, filler: usize) -> Vec<u8> {
    let mut line = format!("{id} {seq} {filler} ").into_bytes();
    let mut state = seq ^ (u64::from(id) << 48);
    let start = line.len();
    // Eight letters a draw, and what is long repeats itself: it compresses about as well as a real log.
    let end = line.len() + filler;
    line.reserve(filler + 20);
    while line.len() < end {
        if line.len() - start >= 512 {
            line.extend_from_within(start..(start + (end - line.len()).min(512)));
            continue;
        }
        let word = mix(&mut state).to_le_bytes();
        for byte in &word[..(end - line.len()).min(8)] {
            line.push(b'a' + (byte & 0x07));
        }
    }
    let sum = checksum(&line);
    line.extend_from_slice(format!(" {sum:016x}").as_bytes());
    line
}

/// The writer and the number of an intact line; none when it is not intact.
pub(crate) fn parse(line: &[u8]) -> Option<(u32, u64)> {
    let cut = line.len().checked_sub(17)?;
    let (body, sum) = line.split_at(cut);
    let sum = std::str::from_utf8(sum.strip_prefix(b" ")?).ok()?;
    if u64::from_str_radix(sum, 16).ok()? != checksum(body) {
        return None;
    }
    let mut words = body.splitn(4, |byte| *byte == b' ').map(|word| std::str::from_utf8(word).ok());
    let id = words.next()??.parse().ok()?;
    let seq = words.next()??.parse().ok()?;
    let filler: usize = words.next()??.parse().ok()?;
    (words.next()??.len() == filler).then_some((id, seq))
}

/// One step of splitmix64.
pub(crate) fn mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut state = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = (state.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    state ^ (state >> 29)
}
