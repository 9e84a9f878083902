//! What limits a process on Linux, for the texts of errors: looked up when something was refused.
//!
//! Invariant: a figure that the system does not give is none, and makes no error worse.

use std::string::String;
use std::{format, fs};

use rustix::process::{Resource, getrlimit};

use crate::error::MemoryLimit;

const HUGE_PAGES: &str = "/sys/kernel/mm/hugepages";

/// The soft limit on a resource; none if it is unlimited.
fn limit(resource: Resource) -> Option<u64> {
    getrlimit(resource).current
}

/// A figure of a list such as `/proc/meminfo` has, in bytes: `Name:   123 kB`.
fn figure(list: &str, name: &str) -> Option<u64> {
    let rest = list.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kib: u64 = rest.trim().strip_suffix(" kB")?.parse().ok()?;
    kib.checked_mul(1024)
}

/// A file of text; empty if there is none.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// A file that has a number only.
fn number(path: &str) -> Option<u64> {
    read(path).trim().parse().ok()
}

/// `RLIMIT_MEMLOCK`, if there is a limit, and how many bytes are locked.
pub(crate) fn locked() -> (Option<u64>, Option<u64>) {
    (limit(Resource::Memlock), figure(&read("/proc/self/status"), "VmLck"))
}

/// The memory nodes that the system has, of the first 64: bit n stands for node n. 0 if it does not say.
pub(crate) fn nodes_online() -> u64 {
    let list = read("/sys/devices/system/node/online");
    let ranges = list.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse::<u32>().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().filter(|node| *node < u64::BITS).fold(0, |bits, node| bits | 1 << node)
}

/// How many huge pages of `size` bytes are free, and promised to nobody.
pub(crate) fn free_huge_pages(size: usize) -> Option<u64> {
    let folder = format!("{HUGE_PAGES}/hugepages-{}kB", size >> 10);
    let number = |name| number(&format!("{folder}/{name}"));
    Some(number("free_hugepages")?.saturating_sub(number("resv_hugepages")?))
}

/// The sizes of the huge pages that the system has: bit n stands for 2ⁿ bytes.
pub(crate) fn huge_page_sizes() -> u64 {
    let folder = fs::read_dir(HUGE_PAGES).into_iter().flatten().flatten();
    folder.filter_map(|entry| huge_page_size(entry.file_name().to_str()?)).sum()
}

/// Whether the system has huge pages of `size` bytes, or does not say which it has.
pub(crate) fn may_have_huge_pages(size: usize) -> bool {
    let sizes = huge_page_sizes();
    sizes == 0 || sizes & size as u64 != 0
}

/// The size of the huge pages that a folder such as `hugepages-2048kB` is about, as a bit.
fn huge_page_size(folder: &str) -> Option<u64> {
    let kib: u64 = folder.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
    kib.checked_mul(1024).filter(|bytes| bytes.is_power_of_two())
}

/// What keeps the system from giving `bytes` bytes of addresses, behind which there is no memory.
pub(crate) fn addresses(bytes: usize) -> MemoryLimit {
    process_addresses(&read("/proc/self/status"), bytes).unwrap_or(MemoryLimit::Unknown)
}

/// What keeps the system from giving `bytes` bytes of memory behind addresses that the process has.
pub(crate) fn memory(bytes: usize) -> MemoryLimit {
    process_memory(&read("/proc/self/status"), bytes).unwrap_or_else(|| system(bytes))
}

/// What keeps the system from giving `bytes` bytes of memory at new addresses.
pub(crate) fn new_memory(bytes: usize) -> MemoryLimit {
    let status = read("/proc/self/status");
    process_addresses(&status, bytes)
        .or_else(|| process_memory(&status, bytes))
        .unwrap_or_else(|| system(bytes))
}

fn process_addresses(status: &str, bytes: usize) -> Option<MemoryLimit> {
    over("RLIMIT_AS", limit(Resource::As), figure(status, "VmSize"), bytes)
}

fn process_memory(status: &str, bytes: usize) -> Option<MemoryLimit> {
    over("RLIMIT_DATA", limit(Resource::Data), figure(status, "VmData"), bytes)
}

fn system(bytes: usize) -> MemoryLimit {
    overcommit(number("/proc/sys/vm/overcommit_memory"), &read("/proc/meminfo"), bytes)
}

/// A limit of the process, if `bytes` bytes are more than it leaves, or more than it is where nobody
/// says how much is in use.
fn over(
    name: &'static str,
    limit: Option<u64>,
    used: Option<u64>,
    bytes: usize,
) -> Option<MemoryLimit> {
    let limit = limit?;
    let need = used.unwrap_or(0).saturating_add(bytes as u64);
    (need > limit).then_some(MemoryLimit::Process { name, limit, used })
}

/// What the system promises, if `bytes` bytes are more than that leaves. `policy` is
/// `vm.overcommit_memory`.
fn overcommit(policy: Option<u64>, meminfo: &str, bytes: usize) -> MemoryLimit {
    let bytes = bytes as u64;
    let both = |one, other| figure(meminfo, one).zip(figure(meminfo, other));
    match policy {
        Some(2) => both("CommitLimit", "Committed_AS")
            .filter(|&(limit, promised)| promised.saturating_add(bytes) > limit)
            .map(|(limit, promised)| MemoryLimit::Promises { limit, promised }),
        Some(0) => both("MemTotal", "SwapTotal")
            .map(|(memory, swap)| memory + swap)
            .filter(|&total| bytes > total)
            .map(|total| MemoryLimit::Machine { total }),
        _ => None,
    }
    .unwrap_or(MemoryLimit::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:        1000 kB\nMemFree:          10 kB\nSwapTotal:        24 kB\n\
                           CommitLimit:     512 kB\nCommitted_AS:    500 kB\nHugePages_Total:   3\n";

    #[test]
    fn figures_are_read_or_there_are_none() {
        for (name, bytes) in [
            ("MemTotal", Some(1_024_000)),
            ("SwapTotal", Some(24_576)),
            ("Committed_AS", Some(512_000)),
            ("Mem", None),
            ("Total", None),
            ("HugePages_Total", None),
        ] {
            assert_eq!(figure(MEMINFO, name), bytes, "{name}");
        }
        for text in ["", "MemTotal:", "MemTotal: many kB", "MemTotal: 1", "MemTotal: -1 kB"] {
            assert_eq!(figure(text, "MemTotal"), None, "{text}");
        }
        assert_eq!(figure("A: 18446744073709551615 kB", "A"), None);
        assert_eq!(number("/proc/self/no such file"), None);
    }

    #[test]
    fn the_systems_own_figures_are_found() {
        let status = read("/proc/self/status");
        for name in ["VmSize", "VmData", "VmLck"] {
            assert!(figure(&status, name).is_some(), "{name}");
        }
        let meminfo = read("/proc/meminfo");
        for name in ["MemTotal", "SwapTotal", "CommitLimit", "Committed_AS"] {
            assert!(figure(&meminfo, name).is_some(), "{name}");
        }
        assert!(number("/proc/sys/vm/overcommit_memory").is_some_and(|policy| policy <= 2));
    }

    #[test]
    fn a_process_is_limited_where_its_limit_is_passed() {
        let limited = |limit, used| MemoryLimit::Process { name: "RLIMIT_AS", limit, used };
        for (limit, used, bytes, expected) in [
            (None, Some(5), usize::MAX, None),
            (Some(100), Some(60), 40, None),
            (Some(100), Some(60), 41, Some(limited(100, Some(60)))),
            (Some(100), None, 100, None),
            (Some(100), None, 101, Some(limited(100, None))),
            (Some(100), Some(60), usize::MAX, Some(limited(100, Some(60)))),
        ] {
            assert_eq!(over("RLIMIT_AS", limit, used, bytes), expected);
        }
    }

    #[test]
    fn what_is_promised_depends_on_the_policy() {
        let promises = MemoryLimit::Promises { limit: 524_288, promised: 512_000 };
        let machine = MemoryLimit::Machine { total: 1_048_576 };
        for (policy, text, bytes, expected) in [
            (Some(2), MEMINFO, 12_289, promises),
            (Some(2), MEMINFO, 12_288, MemoryLimit::Unknown),
            (Some(2), "", 20_000, MemoryLimit::Unknown),
            (Some(0), MEMINFO, 1_048_577, machine),
            (Some(0), MEMINFO, 1_048_576, MemoryLimit::Unknown),
            (Some(0), "", 1_048_577, MemoryLimit::Unknown),
            (Some(0), "MemTotal: 1000 kB\n", 1_048_577, MemoryLimit::Unknown),
            (Some(1), MEMINFO, 1_048_577, MemoryLimit::Unknown),
            (None, MEMINFO, 1_048_577, MemoryLimit::Unknown),
        ] {
            assert_eq!(overcommit(policy, text, bytes), expected, "{policy:?}, {bytes}");
        }
    }

    #[test]
    fn sizes_of_huge_pages_are_bits() {
        for (folder, bit) in [
            ("hugepages-2048kB", Some(1 << 21)),
            ("hugepages-1048576kB", Some(1 << 30)),
            ("hugepages-3kB", None),
            ("hugepages-kB", None),
            ("demote", None),
        ] {
            assert_eq!(huge_page_size(folder), bit, "{folder}");
        }
        // No machine has huge pages of 3 bytes.
        assert_eq!(free_huge_pages(3), None);
    }
}
