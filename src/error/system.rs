//! What the system refused: the figures that say why, and what to do about it.

use core::fmt;

use super::Count;

/// What keeps the system from giving out more memory, as far as it says so: see
/// [`BuildError::NoMemory`](crate::BuildError::NoMemory).
///
/// ```
/// # use pagesheaf::{BuildError, MemoryLimit};
/// /// What to raise, if the system says what limits the process.
/// fn limit(error: &BuildError) -> Option<&'static str> {
///     match error {
///         BuildError::NoMemory { limit: MemoryLimit::Process { name, .. }, .. } => Some(*name),
///         _ => None,
///     }
/// }
/// # let _ = limit;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemoryLimit {
    /// The system does not say.
    Unknown,
    /// A limit of the process: `RLIMIT_AS` or `RLIMIT_DATA`.
    Process {
        /// Its name.
        name: &'static str,
        /// So many bytes.
        limit: u64,
        /// So many of them are in use, if the system says so.
        used: Option<u64>,
    },
    /// The limit on what is promised to all processes together: `vm.overcommit_memory` is 2.
    Promises {
        /// So many bytes.
        limit: u64,
        /// So many of them are promised.
        promised: u64,
    },
    /// What the machine has, of which no mapping is promised more: `vm.overcommit_memory` is 0.
    Machine {
        /// Bytes of memory and swap.
        total: u64,
    },
}

impl fmt::Display for MemoryLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemoryLimit::Unknown => f.write_str(
                "build a pool of fewer pages, or raise what limits this process (`ulimit -a`, its cgroup)",
            ),
            MemoryLimit::Process { name, limit, used } => {
                let flag = if *name == "RLIMIT_DATA" { "-d" } else { "-v" };
                let used = InUse(*used);
                write!(
                    f,
                    "{name} is {limit} bytes{used}: raise it (`ulimit {flag}`), or build a pool of \
                     fewer pages"
                )
            }
            MemoryLimit::Promises { limit, promised } => write!(
                f,
                "vm.overcommit_memory is 2, and of the {limit} bytes that the system may promise \
                 {promised} are promised: build a pool of fewer pages, or raise \
                 vm.overcommit_ratio (vm.overcommit_kbytes, where that is set)"
            ),
            MemoryLimit::Machine { total } => write!(
                f,
                "vm.overcommit_memory is 0, and memory and swap have {total} bytes, more than which \
                 the system does not reserve at a time: use Region::mapped().no_reserve() if not \
                 all of the pages will be used at a time, or build a pool of fewer pages"
            ),
        }
    }
}

/// Bytes, in words: in the largest unit that leaves no fraction.
pub(crate) struct Size(pub(crate) usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (shift, unit) in [(30, "GiB"), (20, "MiB"), (10, "KiB")] {
            if self.0 > 0 && self.0.trailing_zeros() >= shift {
                return write!(f, "{} {unit}", self.0 >> shift);
            }
        }
        Count(self.0 as u64, "byte").fmt(f)
    }
}

/// How many of a limit's bytes are in use: nothing, if that is not known.
struct InUse(Option<u64>);

impl fmt::Display for InUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |used| write!(f, ", {used} of them in use"))
    }
}

/// The number by which Linux refuses a new mapping that `mlockall(MCL_FUTURE)` has it lock (`EAGAIN`).
const AGAIN: i32 = 11;

/// That `bytes` bytes were not locked; `limit` is `RLIMIT_MEMLOCK`, of which `locked` are in use.
pub(super) fn lock(
    f: &mut fmt::Formatter<'_>,
    bytes: usize,
    limit: Option<u64>,
    locked: Option<u64>,
    code: i32,
) -> fmt::Result {
    write!(f, "the system refused to lock {bytes} bytes in memory (error {code}): ")?;
    let Some(limit) = limit else {
        return f.write_str("RLIMIT_MEMLOCK is no limit: lock fewer pages, or none");
    };
    write!(f, "RLIMIT_MEMLOCK is {limit} bytes{}: ", InUse(locked))?;
    let need = locked.map(|used| used.saturating_add(bytes as u64));
    if need.is_none_or(|need| need > limit) {
        f.write_str("raise it")?;
        need.map_or(Ok(()), |need| write!(f, " to {need}"))?;
        f.write_str(" (`ulimit -l`, or `LimitMEMLOCK=` of systemd), or ")?;
        if code == AGAIN {
            f.write_str("call mlockall without MCL_FUTURE, which locks each new mapping, or ")?;
        }
    }
    f.write_str("lock fewer pages")
}

/// That there are not `pages` huge pages of `size` bytes; `free` are free.
pub(super) fn huge_pages(
    f: &mut fmt::Formatter<'_>,
    pages: usize,
    size: usize,
    free: Option<u64>,
    code: i32,
) -> fmt::Result {
    let (asked, bytes) = (Count(pages as u64, "huge page"), Size(size));
    write!(f, "the system refused {asked} of {bytes} for the region (error {code}): ")?;
    let missing = (pages as u64).saturating_sub(free.unwrap_or(0));
    if let Some(free) = free {
        write!(f, "{free} {} free: ", if free == 1 { "is" } else { "are" })?;
    }
    match missing {
        0 => f.write_str("look at the limits of this process's cgroup")?,
        _ => {
            let more = if free.is_some() { " more" } else { "" };
            let kib = size >> 10;
            write!(
                f,
                "reserve {missing}{more} (/sys/kernel/mm/hugepages/hugepages-{kib}kB/nr_hugepages)"
            )?;
        }
    }
    f.write_str(", or use HugePages::Try")
}

/// The bits that are set, from the lowest on.
fn bits(word: u64) -> impl Iterator<Item = u32> {
    (0..u64::BITS).filter(move |bit| word >> bit & 1 == 1)
}

/// That the system has no huge pages of `bytes` bytes, but of those in `sizes`, whose bit n stands
/// for 2ⁿ bytes.
pub(super) fn no_such_huge_pages(
    f: &mut fmt::Formatter<'_>,
    bytes: usize,
    sizes: u64,
) -> fmt::Result {
    write!(f, "the system has no huge pages of {}", Size(bytes))?;
    for (at, bit) in bits(sizes).filter(|bit| *bit < usize::BITS).enumerate() {
        write!(f, "{}{}", if at == 0 { ", but of " } else { " and " }, Size(1 << bit))?;
    }
    let choose = if sizes == 0 { "" } else { "choose one of these, or " };
    write!(f, ": {choose}use HugePages::Try, which goes without them")
}

/// That the system does not bind memory to a node; `online` has bit n for each node n that it has.
pub(super) fn no_node(
    f: &mut fmt::Formatter<'_>,
    node: u32,
    online: u64,
    code: i32,
) -> fmt::Result {
    write!(f, "the system does not bind memory to node {node} (error {code}): ")?;
    if online != 0 && !bits(online).any(|bit| bit == node) {
        f.write_str("it has")?;
        for (at, node) in bits(online).enumerate() {
            write!(f, "{}{node}", if at == 0 { " node " } else { ", " })?;
        }
        f.write_str(" only: name one that it has")?;
    } else {
        f.write_str("this process may not use the node, or a sandbox refuses mbind: ")?;
        f.write_str("name another")?;
    }
    f.write_str(", or leave Mapping::node out")
}
