//! The load: sends datagrams, a bounded number of them in flight, and compares each answer.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use super::super::Outcome;

/// The longest datagram: what fits an Ethernet frame.
const LONGEST: usize = 1472;

/// Bytes of the sequence number, and so the shortest datagram.
const NUMBER: usize = 4;

/// With nothing new for so long, what is missing is lost without a trace.
const PATIENCE: Duration = Duration::from_secs(10);

/// The sender's end of the line.
pub struct Load<'a> {
    socket: &'a UdpSocket,
    window: u64,
    /// Whether each datagram sent so far was answered.
    fates: Vec<bool>,
    pub answered: u64,
    /// Answers to nothing that was sent, or with other bytes, or the second ones.
    pub wrong: u64,
}

impl<'a> Load<'a> {
    pub fn new(socket: &'a UdpSocket, window: u64) -> Self {
        Load { socket, window, fates: Vec::new(), answered: 0, wrong: 0 }
    }

    /// How many datagrams were sent.
    pub fn sent(&self) -> u64 {
        self.fates.len() as u64
    }

    /// Sends so many, and waits until each is answered, or among those that `dropped` counts.
    pub fn run(&mut self, datagrams: u32, dropped: impl Fn() -> Outcome<u64>) -> Outcome<()> {
        let mut last = (0, Instant::now());
        loop {
            let settled = self.answered + dropped()?;
            if settled != last.0 {
                last = (settled, Instant::now());
            }
            if settled == u64::from(datagrams) || last.1.elapsed() > PATIENCE {
                return Ok(());
            }
            let room = self.window.saturating_sub(self.sent() - settled.min(self.sent()));
            for _ in 0..room.min(u64::from(datagrams) - self.sent()) {
                let mut bytes = [0; LONGEST];
                self.socket.send(write(self.fates.len() as u32, &mut bytes))?;
                self.fates.push(false);
            }
            // Some answers, the first of which it waits for.
            for _ in 0..self.window / 2 {
                if !self.receive()? {
                    break;
                }
            }
        }
    }

    /// Takes an answer, if one comes in time.
    fn receive(&mut self) -> io::Result<bool> {
        let (mut bytes, mut expected) = ([0; LONGEST + 1], [0; LONGEST]);
        let length = match self.socket.recv(&mut bytes) {
            Ok(length) => length,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let answer = &bytes[..length];
        let number = answer.first_chunk().map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes));
        match self.fates.get_mut(number as usize) {
            Some(fate) if !*fate && write(number, &mut expected) == answer => {
                *fate = true;
                self.answered += 1;
            }
            _ => self.wrong += 1,
        }
        Ok(true)
    }
}

/// Writes a datagram and returns its bytes: its number, and pseudo-random ones, as many as the
/// number says.
fn write(number: u32, to: &mut [u8; LONGEST]) -> &[u8] {
    let mut random = fastrand::Rng::with_seed(u64::from(number));
    let length = random.usize(NUMBER..=LONGEST);
    to[..NUMBER].copy_from_slice(&number.to_le_bytes());
    random.fill(&mut to[NUMBER..length]);
    &to[..length]
}
