//! A device without XDP: an AF_PACKET socket that serves the four rings, in the forwarder's thread.

use std::io;

use super::device::{BURST, Device, HEADROOM, Umem};
use super::link_socket::LinkSocket;
use super::ring::{DeviceRings, Packet, Rings, rings};
use super::system::wait;

/// The socket, with both ends of its rings.
pub struct PacketDevice {
    socket: LinkSocket,
    rings: Rings,
    device: DeviceRings,
    umem: Umem,
    /// Frames from the fill ring, for the next call.
    empty: Vec<u64>,
    /// Packets from the TX ring, for the next call.
    full: Vec<Packet>,
    dropped: u64,
}

impl PacketDevice {
    pub fn open(interface: u32, umem: Umem) -> io::Result<Self> {
        let (rings, device) = rings()?;
        let (empty, full) = (Vec::with_capacity(BURST), Vec::with_capacity(BURST));
        let socket = LinkSocket::open(interface)?;
        Ok(PacketDevice { socket, rings, device, umem, empty, full, dropped: 0 })
    }

    /// The TX ring, and the completion ring.
    fn send(&mut self) -> io::Result<()> {
        let most = self.device.sent.room().min(BURST).saturating_sub(self.full.len());
        self.full.extend(self.device.send.pop(most));
        let packets = self.full.iter();
        let packets = packets.map(|it| (self.umem.at(it.offset).cast_const(), it.len as usize));
        // SAFETY: the forwarder gave these frames to the device, with initialised bytes.
        let sent = unsafe { self.socket.send(packets) }?;
        self.device.sent.push(self.full.drain(..sent).map(|packet| packet.offset));
        Ok(())
    }

    /// The fill ring, and the RX ring.
    fn receive(&mut self) -> io::Result<()> {
        let most = self.device.received.room().min(BURST);
        let more = most.saturating_sub(self.empty.len());
        self.empty.extend(self.device.fill.pop(more));
        if self.empty.is_empty() {
            return if most == 0 { Ok(()) } else { self.discard() };
        }
        let places = self.empty.iter().map(|frame| frame + HEADROOM as u64);
        let places = places.map(|offset| (self.umem.at(offset), self.umem.rest(offset)));
        // SAFETY: the forwarder gave these frames to the device.
        let headers = unsafe { self.socket.receive(places.take(most)) }?;
        let received = headers.len();
        let packets = headers.iter().zip(&self.empty).map(|(header, frame)| Packet {
            offset: frame + HEADROOM as u64,
            len: header.msg_len,
            options: 0,
        });
        self.device.received.push(packets);
        self.empty.drain(..received);
        Ok(())
    }

    /// Packets that find no frame: a card drops them, and counts.
    fn discard(&mut self) -> io::Result<()> {
        // SAFETY: nothing is written into a buffer of no bytes.
        let headers = unsafe { self.socket.receive([(self.umem.at(0), 0); BURST].into_iter()) }?;
        self.dropped += headers.len() as u64;
        Ok(())
    }
}

// SAFETY: what comes back was put in, in its order, each once; the socket's calls are over when they return.
unsafe impl Device for PacketDevice {
    fn rings(&mut self) -> &mut Rings {
        &mut self.rings
    }

    fn work(&mut self) -> io::Result<()> {
        self.send()?;
        self.receive()
    }

    fn wait(&mut self) {
        wait(self.socket.fd(), 5);
    }

    fn dropped(&self) -> io::Result<u64> {
        Ok(self.dropped + self.socket.dropped()?)
    }
}
