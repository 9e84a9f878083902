//! Uploads that wait are served in order, and one whose client leaves holds up nobody.

use std::io;
use std::time::Duration;

use super::client::Client;
use super::load::Material;
use super::paged::Paged;
use super::running::Running;
use super::staging::Staging;

/// How long anything may take here.
const SOON: Duration = Duration::from_secs(20);

/// Checks it, with uploads that each need the whole pool. Returns how many were served.
pub async fn check(on: &Running<Paged>, material: &Material) -> io::Result<u64> {
    let checked = tokio::time::timeout(SOON, in_order(on, material)).await;
    checked.unwrap_or_else(|_| Err(io::Error::other("uploads that wait are not served")))
}

async fn in_order(on: &Running<Paged>, material: &Material) -> io::Result<u64> {
    let body = material.start(on.service.staging.most());
    // The rest is sent when there is room: who waits is not read.
    let (part, rest) = body.split_at(1000);
    let mut first = Client::open(on.address, material.buffer()).await?;
    first.send("first", part, body.len()).await?;
    until(|| on.service.staging.pool().map_or(0, |pool| pool.audit().pages.out) > 0).await;
    // Each comes when the one before it is in the line.
    let mut clients = Vec::new();
    for (number, name) in ["second", "third", "leaves", "fourth"].into_iter().enumerate() {
        let mut client = Client::open(on.address, material.buffer()).await?;
        client.send(name, part, body.len()).await?;
        until(|| on.service.line.waiting() == number as u64 + 1).await;
        clients.push((name, client));
    }
    drop(clients.remove(2));
    until(|| on.service.line.waiting() == 3).await;
    clients.insert(0, ("first", first));
    let served = clients.len() as u64;
    for (at, (name, client)) in clients.iter_mut().enumerate() {
        // Who is next has its pages, and those behind it wait.
        until(|| on.service.line.waiting() == served - 1 - at as u64).await;
        client.send_rest(rest).await?;
        client.answer(201, None).await?;
        client.get(name, body).await?;
        client.delete(name).await?;
    }
    Ok(served)
}

/// Waits until it is so.
async fn until(is: impl Fn() -> bool) {
    while !is() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
