//! How a region can be mapped, and what it turned out to be.

use core::fmt;

use crate::error::{Count, Size};

/// Whether huge pages should back a mapped region.
///
/// ```
/// # use pagesheaf::{HugePages, Pool, Region};
/// let region = Region::mapped().huge_pages(HugePages::Try);
/// match Pool::builder(1024).region(region).build() {
///     Ok(pool) => println!("{:?}", pool.region_info().huge_pages),
///     Err(error) => println!("{error}"),
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HugePages {
    /// Ordinary pages.
    #[default]
    Off,
    /// Reserved huge pages (`MAP_HUGETLB`), else transparent ones if the system has them, else ordinary ones;
    /// [`RegionInfo::huge_pages`] says which.
    Try,
    /// Reserved huge pages, or an error.
    Require,
}

/// How a region is to be mapped. Guard pages are on, everything else is off, until said otherwise.
///
/// ```
/// # use pagesheaf::{HugePages, Pool, Region};
/// let region = Region::mapped().huge_pages(HugePages::Try).populate(true).lock(true);
/// match Pool::builder(1024).region(region).build() {
///     Ok(pool) => println!("{}", pool.region_info()),
///     Err(error) => println!("{error}"), // the system does not lock so much, say
/// }
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Mapping {
    pub(crate) huge: HugePages,
    pub(crate) huge_size: Option<usize>,
    pub(crate) populate: bool,
    pub(crate) lock: bool,
    pub(crate) guard: bool,
    pub(crate) no_reserve: bool,
    pub(crate) purge: bool,
    pub(crate) node: Option<u32>,
}

impl Mapping {
    /// With guard pages, and nothing else.
    pub(crate) const fn new() -> Self {
        Mapping {
            huge: HugePages::Off,
            huge_size: None,
            populate: false,
            lock: false,
            guard: true,
            no_reserve: false,
            purge: false,
            node: None,
        }
    }

    /// Which pages of the system should back it.
    ///
    /// ```
    /// # use pagesheaf::{Huge, HugePages, Pool, Region};
    /// let region = Region::mapped().huge_pages(HugePages::Require);
    /// match Pool::builder(512).region(region).build() {
    ///     Ok(pool) => assert_eq!(pool.region_info().huge_pages, Huge::Reserved),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    pub const fn huge_pages(mut self, huge: HugePages) -> Self {
        self.huge = huge;
        self
    }

    /// How large the huge pages are, in bytes: 2 MiB if nothing is said. Many machines have 1 GiB
    /// as well. The region is aligned to them, and rounded up to whole ones.
    ///
    /// A size that the system does not have is
    /// [`BuildError::NoSuchHugePages`](crate::BuildError::NoSuchHugePages) with
    /// [`HugePages::Require`], and is done without with [`HugePages::Try`]. A size together with
    /// [`HugePages::Off`] is an error.
    ///
    /// ```
    /// use pagesheaf::{HugePages, Pool, Region};
    ///
    /// let region = Region::mapped().huge_pages(HugePages::Require).huge_page_size(1 << 30);
    /// match Pool::builder(1 << 18).region(region).build() {
    ///     Ok(pool) => assert_eq!(pool.region_info().huge_page_size, Some(1 << 30)),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    pub const fn huge_page_size(mut self, bytes: usize) -> Self {
        self.huge_size = Some(bytes);
        self
    }

    /// Whether all of it is backed with memory when the pool is built, instead of at the first touch.
    ///
    /// ```
    /// # use pagesheaf::{Pool, Region};
    /// match Pool::builder(100).region(Region::mapped().populate(true)).build() {
    ///     Ok(pool) => assert!(pool.region_info().populated),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    pub const fn populate(mut self, populate: bool) -> Self {
        self.populate = populate;
        self
    }

    /// Whether it is locked in memory (`mlock`), which the system may refuse: see
    /// [`BuildError::Lock`](crate::BuildError::Lock). What is locked is populated, too. A program that
    /// called `mlockall(MCL_FUTURE)` has every region locked, and the same error without this.
    ///
    /// ```
    /// # use pagesheaf::{Pool, Region};
    /// match Pool::builder(4).region(Region::mapped().lock(true)).build() {
    ///     Ok(pool) => assert!(pool.region_info().locked),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    pub const fn lock(mut self, lock: bool) -> Self {
        self.lock = lock;
        self
    }

    /// Whether an inaccessible page stands at both ends.
    ///
    /// The region ends at the guard behind it. Where all its pages do not fill whole pages of the system (or whole huge
    /// pages, where these are asked for), what is left over lies before it: [`RegionInfo::slack_before`] bytes, which
    /// an access that goes astray can touch.
    ///
    /// ```
    /// # use pagesheaf::{Pool, Region};
    /// match Pool::builder(100).region(Region::mapped().guard_pages(false)).build() {
    ///     Ok(pool) => assert!(!pool.region_info().guarded),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    pub const fn guard_pages(mut self, guard: bool) -> Self {
        self.guard = guard;
        self
    }

    /// Whether [`Pool::maintain`](crate::Pool::maintain) may give memory of free pages back to the
    /// system, which then has pages of zeros there.
    ///
    /// Say so only for a region that nobody has pinned: io_uring's registered buffers, an AF_XDP
    /// UMEM, or a device go on with the frames that they have, and the program gets new ones.
    /// `maintain` gives nothing back while a page is lent. Together with [`lock`](Self::lock) or
    /// [`huge_pages`](Self::huge_pages), or with a hook that may register the memory
    /// ([`Builder::on_region`](crate::Builder::on_region), [`on_init`](crate::Builder::on_init)), it
    /// is [`BuildError::Purge`](crate::BuildError::Purge).
    ///
    /// ```
    /// use pagesheaf::{Pool, Region};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    ///
    /// let pool = Pool::builder(1024).region(Region::mapped().purge(true)).build()?;
    /// assert!(pool.region_info().purgeable);
    /// # Ok::<(), pagesheaf::BuildError>(())
    /// ```
    pub const fn purge(mut self, purge: bool) -> Self {
        self.purge = purge;
        self
    }

    /// Which of the machine's memory nodes, by the system's number, is to back the region, and no other
    /// (`mbind`): for the pools of a [`NodeSet`](crate::NodeSet). A node that is not there, or that this
    /// process may not use, is [`BuildError::Node`](crate::BuildError::Node), and so is a sandbox that
    /// refuses the call. A touch when the node has no memory left ends the process, as the system does
    /// where all nodes have none.
    ///
    /// ```
    /// use pagesheaf::{Pool, Region};
    ///
    /// match Pool::builder(1024).region(Region::mapped().node(0)).build() {
    ///     Ok(pool) => assert_eq!(pool.region_info().node, Some(0)),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    pub const fn node(mut self, node: u32) -> Self {
        self.node = Some(node);
        self
    }

    /// Has the system reserve no memory for the region (`MAP_NORESERVE`): for a pool that is sized for the most that it
    /// may ever need, and will not use all of it at a time. Its pages then take memory as they are first touched.
    ///
    /// Without it Linux refuses a region larger than the machine's memory and swap
    /// ([`MemoryLimit::Machine`](crate::MemoryLimit::Machine)). With it the pool is built, and nothing is promised: if
    /// more is touched than there is, the system ends a process that it chooses. Where `vm.overcommit_memory` is 2 the
    /// system ignores it. Huge pages that are reserved ([`Huge::Reserved`]) stay so. A mode that poisons touches no
    /// page as such a pool is built, as with [`poison_lazily`](crate::Builder::poison_lazily).
    ///
    /// ```
    /// use pagesheaf::{Pool, Region};
    ///
    /// // 1 TiB of addresses, of which the pages that are used take memory.
    /// let builder = Pool::builder(1 << 28).region(Region::mapped().no_reserve());
    /// match builder.build() {
    ///     Ok(pool) => assert!(pool.region_info().no_reserve),
    ///     Err(error) => println!("{error}"),
    /// }
    /// ```
    pub const fn no_reserve(mut self) -> Self {
        self.no_reserve = true;
        self
    }
}

/// What kind of region a pool has.
///
/// ```
/// # use pagesheaf::{Pool, Region, RegionKind};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).region(Region::heap()).build()?;
/// assert_eq!(pool.region_info().kind, RegionKind::Heap);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegionKind {
    /// Mapped from the system.
    Mapped,
    /// From the global allocator.
    Heap,
    /// The caller's own memory.
    Caller,
    /// Addresses only.
    Addresses,
}

/// Which huge pages a region got.
///
/// ```
/// # use pagesheaf::{Huge, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// match pool.region_info().huge_pages {
///     Huge::Reserved => println!("huge pages"),
///     Huge::Advised { .. } => println!("perhaps huge pages"),
///     _ => println!("ordinary pages"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Huge {
    /// None were asked for, or the region is not mapped by the pool.
    Off,
    /// Reserved huge pages back all of it.
    Reserved,
    /// Reserved ones were refused; the system was advised to use transparent ones, and may.
    Advised {
        /// The system's error number.
        refused: i32,
    },
    /// Reserved ones were refused and there are no transparent ones: ordinary pages back it.
    Refused {
        /// The system's error number.
        code: i32,
    },
}

/// What a pool's region turned out to be.
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let info = pool.region_info();
/// assert_eq!((info.bytes, pool.id_at(info.base).map(|id| id.index())), (100 * 4096, Some(0)));
/// println!("{info}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegionInfo {
    /// Where it came from.
    pub kind: RegionKind,
    /// Its first address.
    pub base: usize,
    /// The bytes of all pages.
    pub bytes: usize,
    /// Which huge pages back it.
    pub huge_pages: Huge,
    /// The bytes of each of these, where they are [`Huge::Reserved`].
    pub huge_page_size: Option<usize>,
    /// Whether all of it was backed with memory at once: because it was to be populated, because it
    /// is locked, or because every page was poisoned when the pool was built.
    pub populated: bool,
    /// How many pages were poisoned when the pool was built, which touched them: all of them in
    /// modes with [`POISON`](crate::hardening::POISON), unless
    /// [`poison_every`](crate::Builder::poison_every) or
    /// [`poison_lazily`](crate::Builder::poison_lazily) says otherwise. 0 in other modes.
    pub poisoned_pages: u32,
    /// Whether it is locked in memory.
    pub locked: bool,
    /// Whether an inaccessible page stands at both ends.
    pub guarded: bool,
    /// Whether the system reserved no memory for it: see [`Mapping::no_reserve`].
    pub no_reserve: bool,
    /// Whether memory of free pages may be given back to the system: see [`Mapping::purge`].
    pub purgeable: bool,
    /// The memory node that it is bound to: see [`Mapping::node`].
    pub node: Option<u32>,
    /// Bytes between the guard before the region and the region, which an access that goes astray can touch: what is
    /// left of the system's pages, or huge pages, that back it. 0 without guards, where nothing is said of what lies
    /// there.
    pub slack_before: usize,
    /// Bytes between the region and the guard behind it, as above.
    pub slack_after: usize,
}

impl RegionInfo {
    pub(crate) fn plain(kind: RegionKind, base: *mut u8, bytes: usize) -> Self {
        RegionInfo {
            kind,
            base: base.addr(),
            bytes,
            huge_pages: Huge::Off,
            huge_page_size: None,
            populated: false,
            poisoned_pages: 0,
            locked: false,
            guarded: false,
            no_reserve: false,
            purgeable: false,
            node: None,
            slack_before: 0,
            slack_after: 0,
        }
    }
}

impl fmt::Display for RegionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RegionKind::Mapped => "mapped",
            RegionKind::Heap => "heap",
            RegionKind::Caller => "caller's memory",
            RegionKind::Addresses => "addresses only",
        };
        write!(f, "{kind}, {} bytes at {:#x}", self.bytes, self.base)?;
        match self.huge_pages {
            Huge::Off => {}
            Huge::Reserved => {
                f.write_str(", huge pages")?;
                if let Some(bytes) = self.huge_page_size {
                    write!(f, " of {}", Size(bytes))?;
                }
            }
            Huge::Advised { refused } => {
                write!(f, ", transparent huge pages (reserved ones refused: error {refused})")?;
            }
            Huge::Refused { code } => write!(f, ", huge pages refused (error {code})")?,
        }
        for (on, what) in [
            (self.populated, "populated"),
            (self.locked, "locked"),
            (self.guarded, "guarded"),
            (self.no_reserve, "no memory reserved"),
            (self.purgeable, "purgeable"),
        ] {
            if on {
                write!(f, ", {what}")?;
            }
        }
        if let Some(node) = self.node {
            write!(f, ", on node {node}")?;
        }
        if self.poisoned_pages > 0 {
            let pages = Count(self.poisoned_pages.into(), "page");
            write!(f, ", {pages} poisoned when it was built")?;
        }
        let (before, after) = (self.slack_before, self.slack_after);
        if (before, after) != (0, 0) {
            write!(f, ", with {before} usable bytes before it and {after} behind")?;
        }
        Ok(())
    }
}
