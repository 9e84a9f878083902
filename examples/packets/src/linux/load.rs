//! The load: an AF_PACKET socket at the other end of the pair.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Outcome;
use super::device::{BURST, is_link_gone};
use super::link_socket::LinkSocket;
use super::system::wait;
use super::tally::{Tally, Work};

/// Bytes of a buffer: more than any packet.
const BUFFER: usize = 4096;

/// After so many milliseconds what is on its way is lost; after so many times nobody answers at all.
const PATIENCE: i32 = 100;
const TIMES: u32 = 50;

/// Sends and receives until all is back, the interface is gone, or it is to stop.
pub fn run(interface: u32, work: Work, stop: &AtomicBool) -> Outcome<Tally> {
    let mut load = Load {
        socket: LinkSocket::open(interface)?,
        buffers: vec![[0; BUFFER]; BURST],
        tally: Tally::new(work),
    };
    let mut in_vain = 0;
    while !load.tally.is_complete() && !stop.load(Ordering::Relaxed) {
        match load.turn() {
            Ok(0) => in_vain += 1,
            Ok(_) => in_vain = 0,
            Err(error) => match error.downcast_ref().is_some_and(is_link_gone) {
                true => break,
                false => return Err(error),
            },
        }
        if in_vain == TIMES {
            return Err(format!("no answer to {} packets", load.tally.sent).into());
        }
    }
    // An interface that is gone has lost what it has lost.
    load.tally.dropped = load.socket.dropped().unwrap_or(0);
    Ok(load.tally)
}

struct Load {
    socket: LinkSocket,
    buffers: Vec<[u8; BUFFER]>,
    tally: Tally,
}

impl Load {
    /// Sends what there is room for, and takes what has come. Waits if there was neither. None is when nothing came.
    fn turn(&mut self) -> Outcome<usize> {
        let sent = self.send()?;
        let received = self.receive()?;
        if sent + received == 0 && !wait(self.socket.fd(), PATIENCE) {
            self.tally.give_up();
            return Ok(0);
        }
        Ok(sent.max(received).max(1))
    }

    fn send(&mut self) -> Outcome<usize> {
        let count = self.tally.room().min(BURST);
        if count == 0 {
            return Ok(0);
        }
        let tally = &self.tally;
        let packets = self.buffers[..count].iter_mut().enumerate().map(|(ahead, buffer)| {
            let len = tally.write(buffer, ahead);
            (buffer.as_ptr(), len)
        });
        // SAFETY: the buffers are initialised, and borrowed until the call is over.
        let sent = unsafe { self.socket.send(packets) }?;
        self.tally.sent += sent as u64;
        Ok(sent)
    }

    fn receive(&mut self) -> Outcome<usize> {
        let buffers = self.buffers.iter_mut().map(|buffer| (buffer.as_mut_ptr(), BUFFER));
        // SAFETY: the buffers are borrowed until the call is over.
        let headers = unsafe { self.socket.receive(buffers) }?;
        let count = headers.len();
        for (buffer, header) in self.buffers.iter().zip(headers) {
            let packet = buffer.get(..header.msg_len as usize);
            self.tally.answer(packet.ok_or("an answer is too long")?)?;
        }
        Ok(count)
    }
}
