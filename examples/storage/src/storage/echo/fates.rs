//! What became of the datagrams: each is answered, or somebody says that it was dropped.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::super::Outcome;
use super::load::Load;

/// What the server has done, for others to look at meanwhile.
#[derive(Default)]
pub struct Tally {
    /// Datagrams discarded for want of a buffer.
    pub dry: AtomicU64,
    /// Answers that the system refused to send.
    pub unsent: AtomicU64,
    /// How often the kernel found no provided buffer (`ENOBUFS`).
    pub empty: AtomicU64,
}

/// The sums of one echo, or of several.
#[derive(Default)]
pub struct Fates {
    sent: u64,
    pub answered: u64,
    dry: u64,
    unsent: u64,
    /// Dropped because a socket was full.
    full: u64,
    empty: u64,
}

impl Fates {
    /// Of one echo, in which the sockets dropped so many. An error if a datagram is unaccounted for.
    pub fn of(load: &Load<'_>, tally: &Tally, full: u64) -> Outcome<Self> {
        let [dry, unsent, empty] =
            [&tally.dry, &tally.unsent, &tally.empty].map(|count| count.load(Ordering::Relaxed));
        let fates = Fates { sent: load.sent(), answered: load.answered, dry, unsent, full, empty };
        if load.answered + dry + unsent + full != load.sent() || load.wrong > 0 {
            return Err(format!("datagrams are unaccounted for, or wrong: {fates}").into());
        }
        Ok(fates)
    }

    /// Adds those of another echo.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        self.answered += other.answered;
        self.dry += other.dry;
        self.unsent += other.unsent;
        self.full += other.full;
        self.empty += other.empty;
    }
}

impl fmt::Display for Fates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fates { sent, answered, dry, unsent, full, empty } = self;
        write!(
            f,
            "sent {sent} = answered {answered} + no buffer {dry} + not sent {unsent} + full \
             sockets {full}; ENOBUFS {empty} times"
        )
    }
}
