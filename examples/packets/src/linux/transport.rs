//! Who serves the rings, and one leg of a run: a device from its opening to its end.
//!
//! Invariant: a leg ends with the device gone, and then takes back what it had.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::{fmt, io};

use super::Outcome;
use super::args::Kind;
use super::device::{Device, Umem, is_link_gone};
use super::forward::{forward, pass};
use super::frames::Frames;
use super::net::{Net, Pair};
use super::packet::PacketDevice;
use super::queue::Queued;
use super::tally::{Tally, Work};
use super::xdp::Xdp;
use super::{load, memory};

/// Bytes that a packet has beside what the interface counts.
const ETHERNET: usize = 14;

/// What serves the rings.
pub enum Transport {
    Xdp(Net),
    Packet(Net),
    Memory,
}

/// How a leg went.
pub struct Leg {
    pub tally: Tally,
    /// What the device says that it dropped.
    pub dropped: u64,
    /// Frames that it had in the end.
    pub taken_back: usize,
}

impl Transport {
    /// The one that is wanted, or the first that the system allows, and why it refuses others.
    pub fn choose(kind: Option<Kind>) -> (Option<Self>, Vec<String>) {
        if kind == Some(Kind::Memory) {
            return (Some(Transport::Memory), Vec::new());
        }
        let net = match Net::new() {
            Ok(net) => net,
            Err(error) => {
                let refused = vec![format!("network namespaces: {error}")];
                return (kind.is_none().then_some(Transport::Memory), refused);
            }
        };
        let mut refused = Vec::new();
        if kind != Some(Kind::Packet) {
            match try_out(&net, Xdp::open) {
                Ok(()) => return (Some(Transport::Xdp(net)), refused),
                Err(error) => refused.push(format!("AF_XDP: {error}")),
            }
        }
        if kind != Some(Kind::Xdp) {
            match try_out(&net, PacketDevice::open) {
                Ok(()) => return (Some(Transport::Packet(net)), refused),
                Err(error) => refused.push(format!("AF_PACKET: {error}")),
            }
        }
        (kind.is_none().then_some(Transport::Memory), refused)
    }

    /// Runs a load against a forwarder with these frames. If `cut` is given, the device goes away in the middle, after
    /// about so many packets.
    pub fn leg(&self, frames: &mut impl Frames, work: Work, cut: Option<u64>) -> Outcome<Leg> {
        match self {
            Transport::Xdp(net) => on_a_pair(net, Xdp::open, frames, work, cut),
            Transport::Packet(net) => on_a_pair(net, PacketDevice::open, frames, work, cut),
            Transport::Memory => {
                let (device, mut wire) = memory::open(frames.umem())?;
                // The wire's thread ends when it is told to stop: the device is gone with it.
                run(frames, device, cut, |stop| wire.run(work, stop), |_, _| Ok(()))
            }
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Xdp(_) => "AF_XDP, generic and copying, on a veth pair",
            Transport::Packet(_) => "AF_PACKET, on a veth pair",
            Transport::Memory => "in memory, between two threads",
        })
    }
}

/// Opens a device.
type Open<D> = fn(u32, Umem) -> io::Result<D>;

fn try_out<D: Device>(net: &Net, open: Open<D>) -> io::Result<()> {
    let frames = Queued::new(64, 2048)?;
    let pair = net.pair(1500)?;
    open(pair.index, frames.umem()).map(drop)
}

fn on_a_pair<D: Device, F: Frames>(
    net: &Net,
    open: Open<D>,
    frames: &mut F,
    work: Work,
    cut: Option<u64>,
) -> Outcome<Leg> {
    let pair = net.pair((work.large - ETHERNET) as u32)?;
    let device = open(pair.index, frames.umem())?;
    let load = |stop: &AtomicBool| load::run(net.enter()?, work, stop);
    run(frames, device, cut, load, |frames, device| delete(&pair, frames, device))
}

/// The interface is taken down, and then deleted, with all that the device has.
fn delete(pair: &Pair, frames: &mut impl Frames, device: &mut impl Device) -> Outcome<()> {
    pair.take_down()?;
    if let Err(error) = pass(frames, device)
        && !error.downcast_ref().is_some_and(is_link_gone)
    {
        return Err(error);
    }
    Ok(pair.delete()?)
}

/// The forwarder in this thread, the load in another; `end` is for the device that goes away early.
fn run<D: Device, F: Frames>(
    frames: &mut F,
    mut device: D,
    cut: Option<u64>,
    load: impl FnOnce(&AtomicBool) -> Outcome<Tally> + Send,
    end: impl FnOnce(&mut F, &mut D) -> Outcome<()>,
) -> Outcome<Leg> {
    let (stop, done) = (AtomicBool::new(false), AtomicBool::new(false));
    frames.fill(&mut device.rings().fill); // before the first packet arrives
    let (forwarded, loaded) = thread::scope(|threads| {
        let load = threads.spawn(|| {
            let _done = SetOnDrop(&done);
            load(&stop)
        });
        let _stop = SetOnDrop(&stop);
        let forwarded = forward(frames, &mut device, &done, cut)
            .and_then(|is_done| if is_done { Ok(()) } else { end(frames, &mut device) });
        stop.store(true, Ordering::Release);
        (forwarded, load.join().expect("the load panicked"))
    });
    let tally = loaded?;
    forwarded?;
    let dropped = device.dropped()?;
    drop(device);
    // SAFETY: the device is gone, and so is the thread of one that is in memory.
    let taken_back = unsafe { frames.device_gone() }?;
    Ok(Leg { tally, dropped, taken_back })
}

/// Ends the other thread when this one ends, however it does.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
