//! What one thread hands to the next: pages with a datagram each.

use pagesheaf::{Mode, PageBatch};

/// The most datagrams of one system call.
pub const BURST: usize = 64;

/// Where a datagram came from. IPv4 only.
pub type Peer = libc::sockaddr_in;

/// What the system says about a datagram beside its bytes.
#[derive(Clone, Copy)]
pub struct Envelope {
    pub length: usize,
    pub peer: Peer,
}

impl Envelope {
    /// Nobody's.
    pub const EMPTY: Self = Envelope {
        length: 0,
        peer: Peer {
            sin_family: 0,
            sin_port: 0,
            sin_addr: libc::in_addr { s_addr: 0 },
            sin_zero: [0; 8],
        },
    };
}

/// Received datagrams: the first `envelopes` belong to the pages, in order.
pub struct Burst<M: Mode> {
    pub pages: PageBatch<M, BURST>,
    pub envelopes: [Envelope; BURST],
}

impl<M: Mode> Burst<M> {
    /// The datagrams, and where they came from.
    pub fn datagrams(&self) -> impl Iterator<Item = (&[u8], Option<&Peer>)> {
        let datagrams = self.pages.iter().zip(&self.envelopes);
        datagrams.map(|(page, envelope)| (&page[..envelope.length], Some(&envelope.peer)))
    }
}
