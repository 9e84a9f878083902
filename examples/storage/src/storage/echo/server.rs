//! The server: one thread, one ring. A multishot request receives into provided buffers; each is
//! answered from where it lies, and freed when the answer is sent.
//!
//! Invariant: a buffer is free, in the ring of provided buffers, received, or in an answer that is
//! on its way. When none is left for the next datagram, that is discarded and counted, as a network
//! card does.

use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};

use io_uring::squeue::Entry;
use io_uring::types::{Fd, RecvMsgOut, SubmitArgs, Timespec};
use io_uring::{IoUring, Probe, cqueue, opcode};
use rustix::net::{RecvFlags, recv};

use super::super::Outcome;
use super::NAP;
use super::envelope::{Envelope, template};
use super::fates::Tally;
use super::provided::{GROUP, Provided};
use super::supply::{BURST, Supply};

/// `user_data` of the request that receives. That of an answer is its buffer's id.
const RECEIVE: u64 = u64::MAX;

/// `user_data` of the request that cancels it.
const CANCEL: u64 = u64::MAX - 1;

/// The server's state.
pub struct Server<'a, S> {
    /// Before what requests point into, so that it is gone first.
    ring: IoUring,
    provided: Provided,
    /// What the receiving request says of the sender's address. In a box: the kernel has its
    /// address.
    template: Box<libc::msghdr>,
    /// One for each buffer.
    envelopes: Vec<Envelope>,
    socket: &'a UdpSocket,
    supply: &'a mut S,
    tally: &'a Tally,
    /// Of each datagram received, the bytes that the kernel wrote.
    lengths: Vec<usize>,
    /// Buffers that the kernel may take.
    offered: usize,
    /// Answers on their way.
    sending: usize,
    receiving: bool,
    /// A datagram may wait, and there was no buffer for it.
    dry: bool,
}

impl<'a, S: Supply> Server<'a, S> {
    /// A server whose buffers are all free. An error says what the kernel lacks.
    pub fn new(socket: &'a UdpSocket, supply: &'a mut S, tally: &'a Tally) -> Outcome<Self> {
        let ring = IoUring::builder().setup_cqsize(4 * BURST as u32).build(2 * BURST as u32)?;
        let mut probe = Probe::new();
        ring.submitter().register_probe(&mut probe)?;
        if !probe.is_supported(opcode::SendZc::CODE) {
            return Err("a multishot receive needs Linux 6.0, which has also SEND_ZC".into());
        }
        // SAFETY: both are fields of the server, and the ring is dropped first.
        let provided = unsafe { Provided::new(&ring) }?;
        Ok(Server {
            ring,
            provided,
            template: Box::new(template()),
            envelopes: (0..supply.capacity()).map(|_| Envelope::empty()).collect(),
            socket,
            supply,
            tally,
            lengths: Vec::with_capacity(BURST),
            offered: 0,
            sending: 0,
            receiving: false,
            dry: false,
        })
    }

    /// Serves until `done` is set, and takes back what the kernel has.
    pub fn run(mut self, done: &AtomicBool) -> Outcome<()> {
        while !done.load(Ordering::Acquire) {
            self.offer()?;
            self.answer()?;
            self.receive();
            self.enter()?;
            self.complete()?;
        }
        if self.receiving {
            let cancel = opcode::AsyncCancel::new(RECEIVE).build().user_data(CANCEL);
            push(&mut self.ring, &cancel);
        }
        while self.receiving || self.sending > 0 {
            self.answer()?;
            self.enter()?;
            self.complete()?;
        }
        self.ring.submitter().unregister_buf_ring(GROUP)?;
        // SAFETY: no request is left, and the ring of provided buffers is gone.
        let back = unsafe { self.supply.ring_gone() };
        if back.is_some_and(|back| back != self.offered) {
            return Err(format!("{} buffers were offered, {back:?} are lent", self.offered).into());
        }
        Ok(())
    }

    /// Lends the kernel all buffers that are free; with none, discards what waits for one.
    fn offer(&mut self) -> Outcome<()> {
        let room = self.envelopes.len() - self.offered;
        let taken = self.supply.fill(room, &mut self.provided)?;
        self.provided.publish();
        self.offered += taken;
        if self.dry && self.offered == 0 {
            // Not sure: the kernel looks for a buffer before it looks for a datagram.
            let discarded = recv(self.socket, &mut [0], RecvFlags::DONTWAIT).is_ok();
            self.tally.dry.fetch_add(discarded.into(), Ordering::Relaxed);
        }
        self.dry = false;
        Ok(())
    }

    /// Has the kernel receive, until it runs out of buffers.
    fn receive(&mut self) {
        if self.receiving || self.offered == 0 {
            return;
        }
        let fd = Fd(self.socket.as_raw_fd());
        let receive = opcode::RecvMsgMulti::new(fd, &raw const *self.template, GROUP).build();
        push(&mut self.ring, &receive.user_data(RECEIVE));
        self.receiving = true;
    }

    /// Sends each datagram back to where it came from, from its buffer.
    fn answer(&mut self) -> Outcome<()> {
        for ((id, buffer), &length) in self.supply.received().zip(&self.lengths) {
            let datagram = RecvMsgOut::parse(&buffer[..length], &self.template);
            let datagram = datagram.map_err(|()| "a datagram without its header")?;
            let (peer, payload) = (datagram.name_data(), datagram.payload_data());
            self.envelopes[usize::from(id)].address(peer, payload);
        }
        self.lengths.clear();
        // Nothing borrows the buffers any more: from here on the kernel has them.
        let fd = Fd(self.socket.as_raw_fd());
        self.supply.send(|id| {
            let header = self.envelopes[usize::from(id)].header();
            let send = opcode::SendMsg::new(fd, header).build();
            push(&mut self.ring, &send.user_data(id.into()));
            self.sending += 1;
        });
        Ok(())
    }

    /// Submits, and sleeps until something is complete. Others can have what is in the cache.
    fn enter(&mut self) -> Outcome<()> {
        let nap = Timespec::from(NAP);
        let args = SubmitArgs::new().timespec(&nap);
        let ring = &self.ring;
        match self.supply.idle(|| ring.submitter().submit_with_args(1, &args)) {
            Err(error) if !matches!(error.raw_os_error(), Some(libc::ETIME | libc::EINTR)) => {
                Err(error.into())
            }
            _ => Ok(()),
        }
    }

    /// Takes completions: answers that were sent are freed, datagrams become the program's.
    fn complete(&mut self) -> Outcome<()> {
        let (mut arrived, mut sent) = (Vec::with_capacity(BURST), Vec::with_capacity(BURST));
        let mut ended = None;
        for entry in self.ring.completion().take(BURST) {
            match entry.user_data() {
                RECEIVE => {
                    self.receiving = cqueue::more(entry.flags());
                    match (u32::try_from(entry.result()), cqueue::buffer_select(entry.flags())) {
                        (Ok(length), Some(id)) => {
                            arrived.push(id);
                            self.lengths.push(length as usize);
                        }
                        _ => ended = Some(-entry.result()),
                    }
                }
                CANCEL => {}
                id => {
                    sent.push(id as u16);
                    if entry.result() < 0 {
                        self.tally.unsent.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
        self.offered -= arrived.len();
        self.sending -= sent.len();
        // SAFETY: the kernel gives a buffer up with its completion, and wrote bytes.
        unsafe { self.supply.receive(&arrived) }?;
        // SAFETY: the answers are sent, or refused, and nobody has a reference to their buffers.
        unsafe { self.supply.complete(&sent) }?;
        match ended {
            None | Some(libc::ECANCELED) => {}
            Some(libc::ENOBUFS) => {
                self.tally.empty.fetch_add(1, Ordering::Relaxed);
                self.dry = true;
            }
            Some(error) => return Err(io::Error::from_raw_os_error(error).into()),
        }
        Ok(())
    }
}

/// Puts a request into the submission queue.
fn push(ring: &mut IoUring, entry: &Entry) {
    // SAFETY: what it points to are lent buffers, their envelopes, and the template: the
    // server keeps them until the completion has come.
    let pushed = unsafe { ring.submission().push(entry) };
    pushed.expect("the queue has room for a burst, and two more");
}
