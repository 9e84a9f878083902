//! The load: sends datagrams, a bounded number of them in flight, and says of each what became of it.
//!
//! Nothing is sent twice. A datagram without an answer stops counting as in flight after a time-out, so nothing hangs;
//! an answer that comes after that is compared like the others.

use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::Outcome;
use super::burst::{BURST, Envelope};
use super::datagram::{self, LONGEST};
use super::mmsg::Messages;
use super::socket;

/// The most datagrams in flight.
pub const WINDOW: usize = 128;

/// After this time, a datagram is no longer in flight. Far more than an answer takes even on a busy machine: an answer
/// given up too early lets more into the sockets' buffers than the window.
const TIMEOUT: Duration = Duration::from_millis(100);

/// How long to wait for the last answers when everybody else has finished.
const GRACE: Duration = Duration::from_secs(2);

/// What became of a datagram.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    InFlight,
    TimedOut,
    Answered,
}

/// The load's end of the line.
pub struct Load {
    pub socket: UdpSocket,
    messages: Messages,
    /// A byte more than the longest, so that an answer that is too long is seen.
    inbox: Box<[[u8; LONGEST + 1]; BURST]>,
    outbox: Box<[[u8; LONGEST]; BURST]>,
    total: u32,
    window: usize,
    in_flight: usize,
    /// Every datagram sent so far.
    fates: Vec<Fate>,
    /// When they were sent: those of the last time-out, or so.
    times: VecDeque<(u32, Instant)>,
    pub answered: u64,
    /// Answers after the time-out.
    pub late: u64,
    /// Answers to nothing that was sent, or with other bytes.
    pub wrong: u64,
    pub bytes: u64,
}

impl Load {
    pub fn new(server: SocketAddr, server_room: usize, total: u32) -> Outcome<Self> {
        let socket = socket::open(WINDOW)?;
        socket.connect(server)?;
        let window = socket::room(&socket)?.min(server_room).clamp(1, WINDOW);
        Ok(Load {
            socket,
            messages: Messages::new(),
            inbox: Box::new([[0; LONGEST + 1]; BURST]),
            outbox: Box::new([[0; LONGEST]; BURST]),
            total,
            window,
            in_flight: 0,
            fates: Vec::with_capacity(total as usize),
            times: VecDeque::new(),
            answered: 0,
            late: 0,
            wrong: 0,
            bytes: 0,
        })
    }

    /// How many datagrams were sent.
    pub fn sent(&self) -> u64 {
        self.fates.len() as u64
    }

    /// Sends everything and waits until each datagram is answered or timed out; gives up when `done` is set.
    pub fn run(&mut self, done: &AtomicBool) -> Outcome<()> {
        while (self.sent() < self.total.into() || self.in_flight > 0)
            && !done.load(Ordering::Acquire)
        {
            self.send()?;
            self.receive()?;
            self.expire();
        }
        Ok(())
    }

    /// Waits for answers that are still to come, when so many datagrams are known to be lost.
    pub fn linger(&mut self, lost: impl Fn(&UdpSocket) -> Outcome<u64>) -> Outcome<()> {
        let end = Instant::now() + GRACE;
        while self.answered + lost(&self.socket)? < self.sent() && Instant::now() < end {
            self.receive()?;
        }
        Ok(())
    }

    /// Fills the window, by a burst at the most.
    fn send(&mut self) -> Outcome<()> {
        let first = self.fates.len() as u32;
        let room = BURST.min(self.window - self.in_flight);
        let count = room.min((self.total - first) as usize);
        let datagrams = self.outbox[..count]
            .iter_mut()
            .zip(first..)
            .map(|(buffer, number)| (datagram::write(number, buffer), None));
        self.messages.send(&self.socket, datagrams)?;
        let now = Instant::now();
        self.times.extend((first..).take(count).map(|number| (number, now)));
        self.fates.resize(self.fates.len() + count, Fate::InFlight);
        self.in_flight += count;
        Ok(())
    }

    /// Takes the answers that are there, or waits a little for one.
    fn receive(&mut self) -> Outcome<()> {
        let mut envelopes = [Envelope::EMPTY; BURST];
        let buffers = self.inbox.iter_mut().map(|buffer| &mut buffer[..]);
        let count = self.messages.receive(&self.socket, buffers, &mut envelopes)?;
        for (at, envelope) in envelopes[..count].iter().enumerate() {
            self.bytes += envelope.length as u64;
            match self.compare(&self.inbox[at][..envelope.length]) {
                Some(number) => self.settle(number),
                None => self.wrong += 1,
            }
        }
        Ok(())
    }

    /// The number of the datagram that this answers, if all its bytes are those that were sent, and for the first time.
    fn compare(&self, answer: &[u8]) -> Option<usize> {
        let number = datagram::number(answer)?;
        let fate = *self.fates.get(number as usize)?;
        let same = datagram::write(number, &mut [0; LONGEST]) == answer;
        (same && fate != Fate::Answered).then_some(number as usize)
    }

    fn settle(&mut self, number: usize) {
        match self.fates[number] {
            Fate::InFlight => self.in_flight -= 1,
            Fate::TimedOut | Fate::Answered => self.late += 1,
        }
        self.fates[number] = Fate::Answered;
        self.answered += 1;
    }

    /// Ends the waiting for datagrams that are over their time.
    fn expire(&mut self) {
        let now = Instant::now();
        while let Some(&(number, sent)) = self.times.front() {
            let fate = &mut self.fates[number as usize];
            if *fate == Fate::InFlight {
                if now - sent < TIMEOUT {
                    break;
                }
                *fate = Fate::TimedOut;
                self.in_flight -= 1;
            }
            self.times.pop_front();
        }
    }
}
