//! The sums: every datagram that was sent has to be in them once.

use std::fmt;
use std::net::UdpSocket;

use super::Outcome;
use super::load::Load;
use super::receiver::Received;
use super::socket;

/// What became of the datagrams.
pub struct Summary {
    sent: u64,
    answered: u64,
    late: u64,
    wrong: u64,
    /// Dropped for want of a page.
    no_page: u64,
    /// Dropped by the system, at the server's or the load's socket.
    no_buffer: u64,
    per_burst: f64,
    seconds: f64,
    bytes: u64,
}

impl Summary {
    pub fn new(
        load: &Load,
        received: &Received,
        server: &UdpSocket,
        seconds: f64,
    ) -> Outcome<Self> {
        Ok(Summary {
            sent: load.sent(),
            answered: load.answered,
            late: load.late,
            wrong: load.wrong,
            no_page: received.dropped,
            no_buffer: socket::drops(server)? + socket::drops(&load.socket)?,
            per_burst: received.datagrams as f64 / received.bursts.max(1) as f64,
            seconds,
            bytes: load.bytes,
        })
    }

    fn dropped(&self) -> u64 {
        self.no_page + self.no_buffer
    }

    /// Datagrams that are neither answered nor dropped (or, below zero, both).
    fn unaccounted(&self) -> i64 {
        self.sent as i64 - (self.answered + self.dropped()) as i64
    }

    /// Whether all is well; drops are, unless it had to be lossless.
    pub fn is_fine(&self, lossless: bool) -> bool {
        self.wrong == 0 && self.unaccounted() == 0 && !(lossless && self.dropped() > 0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { sent, answered, late, wrong, no_page, no_buffer, .. } = self;
        write!(
            f,
            "sent {sent} = answered {answered} ({late} late) + dropped {} ({no_page} no page, {no_buffer} no buffer) \
             + unaccounted {}; wrong {wrong}; {:.1} to a burst; {:.2} s, {:.0} answers/s, {:.0} MB/s",
            self.dropped(),
            self.unaccounted(),
            self.per_burst,
            self.seconds,
            *answered as f64 / self.seconds,
            self.bytes as f64 / self.seconds / 1e6,
        )
    }
}
