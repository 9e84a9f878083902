//! Drivers of the crate `virtio-drivers` get their memory from a pool in a static.
//!
//! `Hal`, their trait for memory, has no `self`: its functions find the pool by its name. Here it
//! is that of a program; in a kernel it is the same, but for how the pool is built.

mod device;
mod hal;

use std::error::Error;

use device::Entropy;
use hal::{DRIVERS, PoolHal};
use pagesheaf::Pool;
use virtio_drivers::device::rng::VirtIORng;

/// Has a driver ask its device for random bytes, with both layouts that a queue can have.
fn ask(legacy: bool) -> Result<(), Box<dyn Error>> {
    let before = DRIVERS.get()?.audit().pages.out;
    let mut driver = VirtIORng::<PoolHal, _>::new(Entropy::new(legacy))?;
    let queue = DRIVERS.get()?.audit().pages.out - before;
    let mut bytes = [0; 5000];
    let got = driver.request_entropy(&mut bytes)?;
    assert_eq!(got, bytes.len());
    assert!(bytes.iter().enumerate().all(|(at, &byte)| byte == device::random(at)));
    println!("legacy {legacy}: {got} bytes; pages for the queue: {queue}");
    drop(driver);
    assert_eq!(DRIVERS.get()?.audit().pages.out, before, "the driver's pages are back");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let early = VirtIORng::<PoolHal, _>::new(Entropy::new(false)).err();
    println!("before there is a pool: {}", early.ok_or("there is no pool yet")?);
    DRIVERS.init(Pool::builder(64).page_size(hal::BYTES))?;
    ask(false)?;
    ask(true)?;
    println!("{DRIVERS}");
    Ok(())
}
