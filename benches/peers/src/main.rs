//! Rivals in the benchmark matrix: other allocators, and what people use in their place, in the same process and the
//! same rounds as the modes of pagesheaf.
//!
//! Each is used as its own users would: in bulk where it has bulk calls, else page by page.

#[cfg(feature = "dpdk")]
mod dpdk;
#[cfg(feature = "frame-alloc")]
mod frames;
mod heaps;
#[cfg(feature = "pools")]
mod pools;
#[cfg(feature = "queues")]
mod queues;

use matrix::Entry;

fn main() -> anyhow::Result<()> {
    // A line for each rival that could not be built, from whoever built the others.
    let absent = std::env::var("PEERS_LEFT_OUT").unwrap_or_default();
    let mut everybody = matrix::entries::<false>();
    everybody.extend(rivals());
    matrix::main("cargo xtask peers", everybody, absent.lines().map(str::to_owned).collect())
}

/// Everybody who was built.
fn rivals() -> Vec<Entry> {
    let mut rivals: Vec<Entry> = heaps::entries();
    #[cfg(feature = "queues")]
    rivals.extend(queues::entries());
    #[cfg(feature = "pools")]
    rivals.extend(pools::entries());
    #[cfg(feature = "frame-alloc")]
    rivals.extend(frames::entries());
    #[cfg(feature = "dpdk")]
    rivals.extend(dpdk::entries());
    rivals
}

/// A crate, and the version of it that is built here.
#[cfg_attr(not(feature = "queues"), allow(dead_code, reason = "heaps are of the C library then"))]
fn locked(name: &str) -> String {
    let mut all = env!("PEERS_LOCKED").split(';').filter_map(|one| one.split_once(' '));
    let version = all.find(|(it, _)| *it == name).expect("a crate of the lock file").1;
    format!("{name} {version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each shape that a rival does handles its pages, and none is missing afterwards.
    #[test]
    fn every_rival_does_what_it_says() {
        for rival in rivals() {
            let count = matrix::rehearse(&rival).expect("no page is missing");
            assert!(count >= 3, "only {count} cases");
        }
    }

    #[test]
    #[cfg(feature = "pools")]
    fn crates_are_told_with_their_versions() {
        let told = locked("object-pool");
        let version = told.strip_prefix("object-pool ").expect("the name first");
        assert!(version.split('.').count() == 3, "{told}");
    }
}
