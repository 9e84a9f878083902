//! Why there is no pool, and no cache: bad inputs, and figures of the system, with the exact texts.
//! Each has the figures in it and says what to do.

use std::error::Error;

use crate::common::*;

fn said(error: impl Error) -> String {
    error.to_string()
}

/// A builder of pages of 64 bytes over so many bytes of addresses.
fn over(pages: usize, bytes: usize) -> Builder<Bare> {
    let region = Region::addresses(4096, bytes);
    Pool::builder(pages).page_size(64).mode::<Bare>().region(region)
}

#[test]
#[cfg(feature = "std")]
fn a_small_region_says_by_how_much() {
    for (pages, bytes, text) in [
        (1, 0, "the region has 0 bytes, the pages need 64: give it 64 bytes more"),
        (1, 1, "the region has 1 byte, the pages need 64: give it 63 bytes more"),
        (1, 63, "the region has 63 bytes, the pages need 64: give it 1 byte more"),
        (20, 1216, "the region has 1216 bytes, the pages need 1280: give it 64 bytes more"),
    ] {
        let error = over(pages, bytes).build().expect_err("refused");
        assert_eq!(said(error), format!("{text}, or ask for fewer pages"));
    }
    // No byte too few.
    drop(over(20, 1280).build().expect("a pool"));
}

#[test]
fn small_metadata_says_by_how_much() {
    let need = over(16, 1024).metadata_layout().expect("legal").size();
    for less in [1, 2, need] {
        let metadata = &mut metadata_for(&over(16, 1024))[..need - less];
        let base = std::ptr::without_provenance_mut(4096);
        // SAFETY: the addresses are never dereferenced; the metadata is leaked.
        let error = unsafe { over(16, 1024).build_in(base, metadata) }.expect_err("too small");
        let some = |n: usize| if n == 1 { "1 byte".into() } else { format!("{n} bytes") };
        let (have, less) = (some(need - less), some(less));
        let text =
            format!("the metadata memory has {have}, {need} are needed: give it {less} more");
        assert_eq!(said(error), format!("{text}, as Builder::metadata_layout says"));
    }
}

#[test]
fn the_cache_that_is_too_many_says_what_to_do() {
    let usual = "or more (if nothing is said: two for each processor, and at least 8)";
    for (slots, used) in [
        (1, "the only cache slot is in use"),
        (2, "all 2 cache slots are in use"),
        (8, "all 8 cache slots are in use"),
    ] {
        let pool = build::<Bare>(100, |builder| builder.max_caches(slots));
        let caches: Vec<_> = (0..slots).map(|_| pool.cache().expect("a cache")).collect();
        let ways = format!(
            "drop a cache, use the pool itself, or build it with max_caches({})",
            slots + 1
        );
        assert_eq!(said(pool.cache().expect_err("too many")), format!("{used}: {ways} {usual}"));
        drop(caches);
        assert_whole(pool);
    }
    let pool = build::<Bare>(100, |builder| builder.max_caches(0));
    let text = "the pool was built with max_caches(0): use the pool itself";
    assert_eq!(said(pool.cache().expect_err("there are none")), text);
}

/// The pool that nothing is said of, on the machine that runs the test.
#[test]
#[cfg(feature = "std")]
fn the_usual_number_of_caches_is_in_the_text() {
    let pool = build::<Bare>(1000, |builder| builder);
    let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let slots = (2 * processors).max(8);
    let caches: Vec<_> = (0..slots).map(|_| pool.cache().expect("a cache")).collect();
    let error = pool.cache().expect_err("too many");
    assert_eq!(error, CacheError::NoSlot { slots });
    let text = said(error);
    let ways = format!("max_caches({}) or more", slots + 1);
    assert!(
        text.starts_with(&format!("all {slots} cache slots")) && text.contains(&ways),
        "{text}"
    );
    drop(caches);
}

/// What the system refused, as figures, and the text.
#[test]
fn what_the_system_refused_is_said_with_figures() {
    let code = 12;
    let memory = |limit| {
        let what = "memory for the region";
        said(BuildError::NoMemory { what, bytes: 1 << 40, limit, code })
    };
    let lock = |bytes, limit, locked| said(BuildError::Lock { bytes, limit, locked, code });
    let mapped =
        |limit| said(BuildError::Lock { bytes: 8192, limit, locked: Some(4096), code: 11 });
    let huge = |pages, size, free| said(BuildError::HugePages { pages, size, free, code });
    let none = |bytes, sizes| said(BuildError::NoSuchHugePages { bytes, sizes, code: 22 });
    let no_memory = "the system refused 1099511627776 bytes of memory for the region (error 12): ";
    let table: Vec<(String, String)> = vec![
        (
            memory(MemoryLimit::Machine { total: 8 << 30 }),
            format!(
                "{no_memory}vm.overcommit_memory is 0, and memory and swap have 8589934592 bytes, \
                 more than which the system does not reserve at a time: use Region::mapped().no_reserve() if \
                 not all of the pages will be used at a time, or build a pool of fewer pages"
            ),
        ),
        (
            memory(MemoryLimit::Promises { limit: 700, promised: 600 }),
            format!(
                "{no_memory}vm.overcommit_memory is 2, and of the 700 bytes that the system may \
                 promise 600 are promised: build a pool of fewer pages, or raise \
                 vm.overcommit_ratio (vm.overcommit_kbytes, where that is set)"
            ),
        ),
        (
            memory(MemoryLimit::Process { name: "RLIMIT_AS", limit: 700, used: Some(600) }),
            format!(
                "{no_memory}RLIMIT_AS is 700 bytes, 600 of them in use: raise it (`ulimit -v`), or \
                 build a pool of fewer pages"
            ),
        ),
        (
            memory(MemoryLimit::Process { name: "RLIMIT_DATA", limit: 700, used: Some(600) }),
            format!(
                "{no_memory}RLIMIT_DATA is 700 bytes, 600 of them in use: raise it (`ulimit -d`), \
                 or build a pool of fewer pages"
            ),
        ),
        (
            memory(MemoryLimit::Process { name: "RLIMIT_AS", limit: 700, used: None }),
            format!(
                "{no_memory}RLIMIT_AS is 700 bytes: raise it (`ulimit -v`), or build a pool of \
                 fewer pages"
            ),
        ),
        (
            memory(MemoryLimit::Unknown),
            format!(
                "{no_memory}build a pool of fewer pages, or raise what limits this process \
                 (`ulimit -a`, its cgroup)"
            ),
        ),
        (
            lock(409_600, Some(65_536), Some(4096)),
            "the system refused to lock 409600 bytes in memory (error 12): RLIMIT_MEMLOCK is 65536 \
             bytes, 4096 of them in use: raise it to 413696 (`ulimit -l`, or `LimitMEMLOCK=` of \
             systemd), or lock fewer pages"
                .into(),
        ),
        (
            lock(4096, Some(65_536), None),
            "the system refused to lock 4096 bytes in memory (error 12): RLIMIT_MEMLOCK is 65536 \
             bytes: raise it (`ulimit -l`, or `LimitMEMLOCK=` of systemd), or lock fewer pages"
                .into(),
        ),
        (
            lock(4096, None, Some(4096)),
            "the system refused to lock 4096 bytes in memory (error 12): RLIMIT_MEMLOCK is no \
             limit: lock fewer pages, or none"
                .into(),
        ),
        (
            mapped(Some(9000)),
            "the system refused to lock 8192 bytes in memory (error 11): RLIMIT_MEMLOCK is 9000 bytes, \
             4096 of them in use: raise it to 12288 (`ulimit -l`, or `LimitMEMLOCK=` of systemd), or \
             call mlockall without MCL_FUTURE, which locks each new mapping, or lock fewer pages"
                .into(),
        ),
        (
            mapped(Some(90_000)),
            "the system refused to lock 8192 bytes in memory (error 11): RLIMIT_MEMLOCK is 90000 \
             bytes, 4096 of them in use: lock fewer pages"
                .into(),
        ),
        (
            huge(512, 2 << 20, Some(3)),
            "the system refused 512 huge pages of 2 MiB for the region (error 12): 3 are free: \
             reserve 509 more (/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages), or use \
             HugePages::Try"
                .into(),
        ),
        (
            huge(2, 1 << 30, Some(1)),
            "the system refused 2 huge pages of 1 GiB for the region (error 12): 1 is free: reserve \
             1 more (/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages), or use \
             HugePages::Try"
                .into(),
        ),
        (
            huge(1, 64 << 10, None),
            "the system refused 1 huge page of 64 KiB for the region (error 12): reserve 1 \
             (/sys/kernel/mm/hugepages/hugepages-64kB/nr_hugepages), or use HugePages::Try"
                .into(),
        ),
        (
            huge(2, 2 << 20, Some(9)),
            "the system refused 2 huge pages of 2 MiB for the region (error 12): 9 are free: look \
             at the limits of this process's cgroup, or use HugePages::Try"
                .into(),
        ),
        (
            none(0, 0),
            "the system has no huge pages of 0 bytes: use HugePages::Try, which goes without them"
                .into(),
        ),
        (
            mapped(Some(12_288)),
            "the system refused to lock 8192 bytes in memory (error 11): RLIMIT_MEMLOCK is 12288 \
             bytes, 4096 of them in use: lock fewer pages"
                .into(),
        ),
        (
            none(64 << 10, 1 << 21 | 1 << 30),
            "the system has no huge pages of 64 KiB, but of 2 MiB and 1 GiB: choose one of these, \
             or use HugePages::Try, which goes without them"
                .into(),
        ),
        (
            none(1 << 30, 0),
            "the system has no huge pages of 1 GiB: use HugePages::Try, which goes without them"
                .into(),
        ),
        (
            said(BuildError::HugePageSize { bytes: 5000, system: 4096 }),
            "huge_page_size(5000) is not a power of two above 4 KiB, a page of the system: use \
             one that is, such as 2097152 (2 MiB)"
                .into(),
        ),
        (
            said(BuildError::HugePagesOff { bytes: 2 << 20 }),
            "huge_page_size(2097152) without huge pages: choose HugePages::Try or \
             HugePages::Require, too"
                .into(),
        ),
    ];
    for (text, expected) in table {
        assert_eq!(text, expected);
    }
}

#[test]
fn a_node_that_cannot_be_had_is_told_from_those_that_can() {
    let node = |node, online| said(BuildError::Node { node, online, code: 22 });
    let out = "or leave Mapping::node out";
    let other = format!(
        "this process may not use the node, or a sandbox refuses mbind: name another, {out}"
    );
    for (text, expected) in [
        (node(7, 0b101), format!("it has node 0, 2 only: name one that it has, {out}")),
        (node(1, 1 << 63), format!("it has node 63 only: name one that it has, {out}")),
        (node(2, 0b101), other.clone()),
        (node(63, 1 << 63), other.clone()),
        (node(0, 0), other),
    ] {
        let (start, why) = text.split_once(": ").expect("a reason");
        assert!(start.starts_with("the system does not bind memory to node "), "{text}");
        assert!(start.ends_with(" (error 22)") && why == expected, "{text}");
    }
}

#[test]
#[cfg(all(feature = "std", unix))]
fn an_error_of_input_and_output_keeps_kind_text_and_number() {
    use std::io::{self, ErrorKind};
    let lock = |code| BuildError::Lock { bytes: 9, limit: Some(8), locked: None, code };
    let memory =
        |code| BuildError::NoMemory { what: "memory", bytes: 9, limit: MemoryLimit::Unknown, code };
    let system = |code| BuildError::System { what: "memory", code };
    let no_huge = BuildError::NoSuchHugePages { bytes: 9, sizes: 0, code: 22 };
    let huge = BuildError::HugePages { pages: 1, size: 9, free: None, code: 12 };
    let unsupported = BuildError::Unsupported { what: "it" };
    for (error, kind, code) in [
        (lock(12), ErrorKind::OutOfMemory, Some(12)),
        (lock(1), ErrorKind::PermissionDenied, Some(1)),
        #[cfg(target_os = "linux")]
        (lock(11), ErrorKind::OutOfMemory, Some(11)),
        (memory(12), ErrorKind::OutOfMemory, Some(12)),
        // As on a platform where the number means something else.
        (memory(13), ErrorKind::OutOfMemory, Some(13)),
        (huge, ErrorKind::OutOfMemory, Some(12)),
        (system(13), ErrorKind::PermissionDenied, Some(13)),
        (no_huge, ErrorKind::Unsupported, Some(22)),
        (unsupported, ErrorKind::Unsupported, None),
        (BuildError::NoPages, ErrorKind::InvalidInput, None),
        (BuildError::RegionTooSmall { need: 9, have: 1 }, ErrorKind::InvalidInput, None),
    ] {
        let converted = io::Error::from(error);
        assert_eq!((converted.kind(), converted.to_string()), (kind, error.to_string()));
        let inside = converted.into_inner().expect("the error").downcast::<BuildError>();
        let inside = *inside.expect("of building");
        assert_eq!((inside, inside.raw_os_error()), (error, code));
    }
    fn start() -> io::Result<()> {
        Pool::builder(10).page_size(7).build().map(drop)?;
        Ok(())
    }
    assert_eq!(start().expect_err("7 is no multiple of 64").kind(), ErrorKind::InvalidInput);
}
