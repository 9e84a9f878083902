//! What the load sends: a sequence number, then pseudo-random bytes, as many as the number says.

/// Bytes of the sequence number.
const NUMBER: usize = 4;

/// The longest datagram: what fits an Ethernet frame.
pub const LONGEST: usize = 1472;

/// Writes a datagram and returns its bytes.
pub fn write(number: u32, to: &mut [u8; LONGEST]) -> &[u8] {
    let mut random = u64::from(number);
    let length = NUMBER + step(&mut random) as usize % (LONGEST - NUMBER + 1);
    to[..NUMBER].copy_from_slice(&number.to_le_bytes());
    for chunk in to[NUMBER..length].chunks_mut(8) {
        chunk.copy_from_slice(&step(&mut random).to_le_bytes()[..chunk.len()]);
    }
    &to[..length]
}

/// The sequence number that a datagram claims to have.
pub fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|number| u32::from_le_bytes(*number))
}

/// Steele, Lea and Flood's splitmix64.
fn step(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
