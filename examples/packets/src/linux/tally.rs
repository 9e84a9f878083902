//! The packets of a load: each has a number, and comes back once, with its addresses swapped.

use std::time::Instant;

use super::Outcome;

/// Packets that may be on their way at once. Smaller than every ring and queue on it, so that none need be lost.
const WINDOW: u64 = 256;

/// Every so many packets there is one as large as the interface allows; the others have [`SMALL`] bytes.
const LARGE_EVERY: u64 = 16;
const SMALL: usize = 64;

/// The time is taken for so many at once, so that a thread which has to wait for a processor spoils few of the times.
pub const SLICE: u64 = 500;

/// For experiments, by the IEEE.
pub const ETHERTYPE: u16 = 0x88b5;

const LOAD: [u8; 6] = [2, 0, 0, 0, 0, 1];
const FORWARDER: [u8; 6] = [2, 0, 0, 0, 0, 2];
const HEADER: usize = 22;

/// What a load is to do.
#[derive(Clone, Copy)]
pub struct Work {
    pub packets: u64,
    /// Sends more for those that were lost, until as many as are wanted have come back.
    pub again: bool,
    /// Bytes of the largest packet.
    pub large: usize,
}

/// What became of the packets.
pub struct Tally {
    work: Work,
    /// When the last slice came back, or the load began.
    last: Instant,
    /// The seconds that each slice took.
    pub slices: Vec<f64>,
    pub sent: u64,
    pub answered: u64,
    /// What the load itself could not receive.
    pub dropped: u64,
    /// Those with a smaller number are back, or lost.
    passed: u64,
    /// A bit for each number that came back.
    seen: Vec<u64>,
}

impl Tally {
    pub fn new(work: Work) -> Self {
        let seen = vec![0; work.packets.div_ceil(64) as usize];
        Tally {
            work,
            last: Instant::now(),
            slices: Vec::new(),
            sent: 0,
            answered: 0,
            dropped: 0,
            passed: 0,
            seen,
        }
    }

    pub fn is_complete(&self) -> bool {
        let all = if self.work.again { self.answered } else { self.sent.min(self.passed) };
        all >= self.work.packets
    }

    /// How many more may be sent now.
    pub fn room(&self) -> usize {
        let flying = self.sent - self.passed;
        let done = if self.work.again { self.answered + flying } else { self.sent };
        self.work.packets.saturating_sub(done).min(WINDOW.saturating_sub(flying)) as usize
    }

    /// Those on their way are lost.
    pub fn give_up(&mut self) {
        self.passed = self.sent;
    }

    /// Writes the packet that will be sent `ahead` packets after the next. Returns its length.
    pub fn write(&self, buffer: &mut [u8], ahead: usize) -> usize {
        let number = self.sent + ahead as u64;
        let packet = &mut buffer[..self.len(number)];
        packet[..6].copy_from_slice(&FORWARDER);
        packet[6..12].copy_from_slice(&LOAD);
        packet[12..14].copy_from_slice(&ETHERTYPE.to_be_bytes());
        packet[14..HEADER].copy_from_slice(&number.to_le_bytes());
        packet[HEADER..].fill(number as u8);
        packet.len()
    }

    /// Looks at what came back, all of it.
    pub fn answer(&mut self, packet: &[u8]) -> Outcome<()> {
        let number = packet.get(14..HEADER).and_then(|bytes| bytes.try_into().ok());
        let number = number.map(u64::from_le_bytes).ok_or("an answer is too short")?;
        let fine = number < self.sent
            && packet.len() == self.len(number)
            && packet[..6] == LOAD
            && packet[6..12] == FORWARDER
            && packet[HEADER..].iter().all(|&byte| byte == number as u8);
        if !fine {
            return Err(format!("the answer with the number {number} is wrong").into());
        }
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        if self.seen.len() <= word {
            self.seen.resize(word + 1, 0);
        }
        if self.seen[word] & bit != 0 {
            return Err(format!("packet {number} came back twice").into());
        }
        self.seen[word] |= bit;
        self.answered += 1;
        self.passed = self.passed.max(number + 1);
        if self.answered.is_multiple_of(SLICE) {
            self.slices.push(self.last.elapsed().as_secs_f64());
            self.last = Instant::now();
        }
        Ok(())
    }

    fn len(&self, number: u64) -> usize {
        if number.is_multiple_of(LARGE_EVERY) { self.work.large } else { SMALL }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linux::frames::swap_addresses;

    #[test]
    fn an_answer_is_right_and_comes_once() {
        let mut tally = Tally::new(Work { packets: 2, again: true, large: 100 });
        let (mut large, mut small) = ([0; 100], [0; 100]);
        assert_eq!((tally.write(&mut large, 0), tally.write(&mut small, 1)), (100, SMALL));
        tally.sent = 2;
        assert!(tally.answer(&small[..SMALL]).is_err(), "its addresses are not swapped");
        swap_addresses(&mut large);
        swap_addresses(&mut small);
        tally.answer(&small[..SMALL]).unwrap();
        assert!(tally.answer(&small[..SMALL]).is_err(), "once more");
        assert!(tally.answer(&large[..99]).is_err(), "cut off");
        tally.answer(&large).unwrap();
        assert!(tally.is_complete() && tally.room() == 0);
    }
}
