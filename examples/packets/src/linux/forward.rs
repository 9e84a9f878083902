//! The forwarder: the same with a pool and with a list.

use std::sync::atomic::{AtomicBool, Ordering};

use super::Outcome;
use super::device::Device;
use super::frames::Frames;

/// Forwards until the load is done, or, if a number is given, so many packets. The device was opened with the memory of
/// these frames. Returns whether the load is done.
pub fn forward(
    frames: &mut impl Frames,
    device: &mut impl Device,
    done: &AtomicBool,
    most: Option<u64>,
) -> Outcome<bool> {
    let mut forwarded = 0;
    loop {
        // Acquire: pairs with the Release of whoever sets it. What the load has sent is in the rings.
        let is_done = done.load(Ordering::Acquire);
        let (received, completed) = pass(frames, device)?;
        forwarded += received as u64;
        if most.is_some_and(|most| forwarded >= most) {
            return Ok(false);
        }
        if received + completed == 0 {
            if is_done {
                return Ok(true);
            }
            device.wait();
        }
    }
}

/// Once around all four rings. Returns how many packets were received, and how many were sent.
pub fn pass(frames: &mut impl Frames, device: &mut impl Device) -> Outcome<(usize, usize)> {
    let rings = device.rings();
    // SAFETY: the device has the memory of these frames, and is done with what its rings give back: `Device`.
    let completed = unsafe { frames.complete(&mut rings.sent) }?;
    frames.fill(&mut rings.fill);
    // SAFETY: as above.
    let received = unsafe { frames.receive(&mut rings.received) }?;
    frames.send(&mut rings.send)?;
    device.work()?;
    Ok((received, completed))
}
