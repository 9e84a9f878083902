//! What the system refuses is an error with the figures that are in force, and with what to do.
//!
//! Each limit is set in a child process, which is no privileged one: the system's administrator may
//! lock as much as there is.
#![cfg(all(feature = "std", target_os = "linux"))]

mod child;

use std::io::ErrorKind;

use child::fork;
use pagesheaf::{
    Bare, BuildError, Builder, Huge, HugePages, Mapping, MemoryLimit, Pool, Region, RegionInfo,
};

/// Bytes of a page of the system; the tests are of machines where pages are as small.
const PAGE: usize = 4096;

fn builder(pages: usize, region: impl Into<Region>) -> Builder<Bare> {
    Pool::builder(pages).mode::<Bare>().max_caches(1).shared_caches(1).region(region)
}

fn refused(pages: usize, region: impl Into<Region>) -> BuildError {
    builder(pages, region).build().map(drop).expect_err("a refusal")
}

/// Sets a limit of this process to so many bytes.
fn set_limit(resource: libc::__rlimit_resource_t, bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the limit lives for the call.
    assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
}

/// Gives up the administrator's rights, if this process has them.
fn be_nobody() {
    // SAFETY: always allowed; the process is one of a test's own.
    assert!(unsafe { libc::geteuid() != 0 || libc::setuid(65_534) == 0 });
}

/// A figure of `/proc`, in bytes.
fn figure(path: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(path).expect("Linux has it");
    let rest = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
    rest.trim().trim_end_matches(" kB").parse::<u64>().expect("a figure") * 1024
}

/// Whether a text has all of these.
fn has(error: BuildError, parts: &[&str]) {
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(std::io::Error::from(error).to_string(), text);
}

fn locked(pages: usize) -> Result<Pool<Bare>, BuildError> {
    builder(pages, Region::mapped().lock(true)).build()
}

#[test]
fn a_lock_says_the_limit_and_what_was_asked() {
    fork(|| {
        be_nobody();
        set_limit(libc::RLIMIT_MEMLOCK, 65_536);
        let error = locked(100).map(drop).expect_err("a refusal");
        let (limit, none) = (Some(65_536), Some(0));
        let code = libc::ENOMEM;
        assert_eq!(error, BuildError::Lock { bytes: 409_600, limit, locked: none, code });
        let asked = "the system refused to lock 409600 bytes in memory (error 12)";
        has(error, &[asked, "RLIMIT_MEMLOCK is 65536 bytes, 0 of them in use"]);
        has(error, &["raise it to 409600 (`ulimit -l`", "or lock fewer pages"]);
        // What is locked already counts.
        let pool = locked(10).expect("it is below the limit");
        let error = locked(7).map(drop).expect_err("a refusal");
        assert_eq!(error, BuildError::Lock { bytes: 28_672, limit, locked: Some(40_960), code });
        has(error, &["40960 of them in use", "raise it to 69632"]);
        assert!(pool.region_info().locked && locked(6).is_ok());
        Ok(())
    });
}

#[test]
fn a_lock_that_is_not_permitted_says_so_too() {
    fork(|| {
        be_nobody();
        set_limit(libc::RLIMIT_MEMLOCK, 0);
        let error = locked(1).map(drop).expect_err("a refusal");
        has(error, &["lock 4096 bytes", "(error 1)", "RLIMIT_MEMLOCK is 0 bytes", "to 4096"]);
        assert_eq!(std::io::Error::from(error).kind(), ErrorKind::PermissionDenied);
        Ok(())
    });
}

/// After `mlockall(MCL_FUTURE)` every new mapping is locked.
#[test]
fn a_mapping_that_mlockall_locks_says_the_limit() {
    fork(|| {
        be_nobody();
        const LIMIT: u64 = 4 << 20;
        set_limit(libc::RLIMIT_MEMLOCK, LIMIT);
        // SAFETY: always allowed; the process is one of a test's own.
        if unsafe { libc::mlockall(libc::MCL_FUTURE) } != 0 {
            println!("skipped: {}", std::io::Error::last_os_error());
            return Ok(());
        }
        for region in [Region::mapped(), Region::mapped().huge_pages(HugePages::Try)] {
            let error = refused(4096, region);
            let BuildError::Lock { bytes, limit, locked: Some(locked), code } = error else {
                panic!("{error:?}")
            };
            assert_eq!((limit, code, bytes >= 16 << 20), (Some(LIMIT), libc::EAGAIN, true));
            has(error, &[&format!("refused to lock {bytes} bytes in memory (error 11)")]);
            has(error, &[&format!("RLIMIT_MEMLOCK is {LIMIT} bytes, {locked} of them in use")]);
            has(error, &[&format!("raise it to {}", locked + bytes as u64), "mlockall"]);
            assert_eq!(std::io::Error::from(error).kind(), ErrorKind::OutOfMemory);
        }
        let pool = builder(16, Region::mapped()).build().expect("it is below the limit");
        assert!(figure("/proc/self/status", "VmLck:") >= 16 * PAGE as u64);
        drop(pool);
        Ok(())
    });
}

#[test]
fn a_limit_on_addresses_is_named() {
    fork(|| {
        let used = figure("/proc/self/status", "VmSize:");
        let limit = used + (32 << 20);
        set_limit(libc::RLIMIT_AS, limit);
        for (region, what) in [
            (Region::mapped().into(), "address space for the region"),
            (Region::heap(), "heap memory"),
        ] {
            let error = refused(1 << 14, region);
            let BuildError::NoMemory { what: found, bytes, limit: why, code } = error else {
                panic!("{error}")
            };
            assert_eq!((found, code, bytes >= 64 << 20), (what, libc::ENOMEM, true));
            assert!(matches!(why, MemoryLimit::Process { name: "RLIMIT_AS", .. }), "{why:?}");
            has(error, &[&format!("refused {bytes} bytes of {what} (error 12)")]);
            has(error, &[&format!("RLIMIT_AS is {limit} bytes"), "`ulimit -v`", "fewer pages"]);
            assert_eq!(std::io::Error::from(error).kind(), ErrorKind::OutOfMemory);
        }
        assert!(builder(100, Region::mapped()).build().is_ok());
        Ok(())
    });
}

#[test]
fn a_limit_on_memory_is_named() {
    fork(|| {
        let limit = figure("/proc/self/status", "VmData:") + (32 << 20);
        set_limit(libc::RLIMIT_DATA, limit);
        let error = refused(1 << 14, Region::mapped());
        has(error, &["67108864 bytes of memory for the region", "`ulimit -d`", "fewer pages"]);
        has(error, &[&format!("RLIMIT_DATA is {limit} bytes")]);
        Ok(())
    });
}

/// More than any machine has, and less than there are addresses.
#[test]
fn memory_that_is_promised_too_often_is_said_with_the_policy() {
    let policy = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").expect("Linux has it");
    let build = || builder(1 << 20, Region::mapped()).page_size(1 << 24).build().map(drop);
    let of = |name| figure("/proc/meminfo", name);
    match policy.trim() {
        "0" => {
            let error = build().expect_err("16 TiB");
            let total = of("MemTotal:") + of("SwapTotal:");
            has(error, &["refused 17592186044416 bytes of memory for the region (error 12)"]);
            let figure = format!("memory and swap have {total} bytes");
            has(error, &["vm.overcommit_memory is 0", &figure, "fewer pages"]);
            has(error, &["does not reserve", "use Region::mapped().no_reserve()"]);
        }
        "2" => {
            let error = build().expect_err("16 TiB");
            let figure = format!("of the {} bytes that", of("CommitLimit:"));
            has(
                error,
                &[
                    "vm.overcommit_memory is 2",
                    &figure,
                    "vm.overcommit_ratio",
                    "vm.overcommit_kbytes",
                ],
            );
        }
        policy => println!("skipped: vm.overcommit_memory is {policy}"),
    }
}

/// The option that the refusal names.
#[test]
fn memory_that_is_not_reserved_is_not_refused() {
    let policy = std::fs::read_to_string("/proc/sys/vm/overcommit_memory").expect("Linux has it");
    if policy.trim() == "2" {
        return println!("skipped: vm.overcommit_memory is 2, and such a system reserves always");
    }
    for huge in [HugePages::Off, HugePages::Try] {
        let region = Region::mapped().no_reserve().huge_pages(huge);
        let pool =
            builder(1 << 20, region).page_size(1 << 24).build().expect("16 TiB of addresses");
        let info: RegionInfo = pool.region_info();
        assert!(info.no_reserve && info.to_string().contains(", no memory reserved"), "{info}");
        let mut page = pool.alloc().expect("a page");
        page[..PAGE].fill(7);
        assert!(page[..PAGE].iter().all(|&byte| byte == 7) && page[PAGE] == 0);
    }
    let info = builder(1, Region::mapped()).build().expect("a pool").region_info();
    assert!(!info.no_reserve && !info.to_string().contains("reserved"), "{info}");
}

/// The reservation has its addresses, so they are not what is missing.
#[test]
fn a_limit_on_addresses_that_was_kept_is_not_named() {
    fork(|| {
        let used = figure("/proc/self/status", "VmSize:");
        // More than once the region, and less than twice.
        set_limit(libc::RLIMIT_AS, used + (24 << 40));
        match builder(1 << 20, Region::mapped()).page_size(1 << 24).build().map(drop) {
            Ok(()) => println!("skipped: the system promises 16 TiB"),
            Err(error) => {
                has(error, &["refused 17592186044416 bytes of memory for the region"]);
                assert!(!error.to_string().contains("RLIMIT_AS"), "{error}");
            }
        }
        Ok(())
    });
}

/// Whether the system has huge pages of so many bytes, and how many are free and not promised.
fn free(bytes: usize) -> Option<u64> {
    let folder = format!("/sys/kernel/mm/hugepages/hugepages-{}kB", bytes >> 10);
    let number = |name| {
        let text = std::fs::read_to_string(format!("{folder}/{name}")).ok()?;
        text.trim().parse::<u64>().ok()
    };
    Some(number("free_hugepages")? - number("resv_hugepages")?)
}

fn huge(how: HugePages, bytes: usize) -> Mapping {
    Region::mapped().huge_pages(how).huge_page_size(bytes)
}

/// For each usual size: the pool has such pages, or the error says how many are free, or that there
/// are none such.
#[test]
fn huge_pages_of_the_chosen_size_or_the_reason() {
    for (bytes, size) in
        [(64 << 10, "64 KiB"), (2 << 20, "2 MiB"), (16 << 20, "16 MiB"), (1 << 30, "1 GiB")]
    {
        let kib = bytes >> 10;
        match (builder(3 * bytes / PAGE, huge(HugePages::Require, bytes)).build(), free(bytes)) {
            (Ok(pool), Some(_)) => {
                let info = pool.region_info();
                assert_eq!((info.huge_pages, info.huge_page_size), (Huge::Reserved, Some(bytes)));
                assert_eq!((info.base % bytes, info.bytes), (0, 3 * bytes));
                assert!(info.to_string().contains(&format!(", huge pages of {size}")), "{info}");
            }
            (Ok(pool), None) => panic!("{}: no such pages", pool.region_info()),
            (Err(error), Some(free)) => {
                let asked = format!("refused 3 huge pages of {size} for the region (error 12)");
                has(error, &[&asked, &format!("{free} "), "free", "or use HugePages::Try"]);
                let more = format!("reserve {} more", 3_u64.saturating_sub(free));
                let file = format!("hugepages-{kib}kB/nr_hugepages");
                let next: &[&str] = if free < 3 { &[&more, &file] } else { &["cgroup"] };
                has(error, next);
            }
            (Err(error), None) => {
                has(error, &[&format!("the system has no huge pages of {size}"), "HugePages::Try"]);
                if free(2 << 20).is_some() {
                    has(error, &[", but of 2 MiB"]);
                }
                assert_eq!(std::io::Error::from(error).kind(), ErrorKind::Unsupported);
            }
        }
    }
}

#[test]
fn huge_pages_that_are_tried_do_without() {
    for bytes in [64 << 10, 2 << 20, 1 << 30] {
        let pool = builder(100, huge(HugePages::Try, bytes)).build().expect("a pool");
        let info: RegionInfo = pool.region_info();
        let reserved = info.huge_pages == Huge::Reserved;
        assert_eq!(info.huge_page_size, reserved.then_some(bytes), "{info}");
        // What is refused is not rounded up to: no GiB is mapped for 100 pages.
        assert!(reserved || info.slack_before <= 2 << 20, "{info}");
        let mut page = pool.alloc().expect("a page");
        page.fill(7);
    }
}

#[test]
fn sizes_that_are_none_are_refused() {
    for bytes in [0, 1, 64, PAGE, 5000, 3 << 20, usize::MAX] {
        for how in [HugePages::Try, HugePages::Require] {
            let error = refused(10, huge(how, bytes));
            assert_eq!(error, BuildError::HugePageSize { bytes, system: PAGE });
        }
    }
    let error = refused(10, huge(HugePages::Off, 2 << 20));
    assert_eq!(error, BuildError::HugePagesOff { bytes: 2 << 20 });
    assert_eq!(std::io::Error::from(error).kind(), ErrorKind::InvalidInput);
}

/// Huge pages that no machine has, some of which no address space has room for.
#[test]
fn sizes_that_no_machine_has_are_done_without() {
    for bytes in [1 << 46, 1 << 50, 1 << 63] {
        let pool = builder(16, huge(HugePages::Try, bytes)).build().expect("a pool without them");
        let info = pool.region_info();
        assert!(matches!(info.huge_pages, Huge::Advised { .. } | Huge::Refused { .. }), "{info}");
        assert!(info.huge_page_size.is_none() && info.slack_before <= 2 << 20, "{info}");
        if free(2 << 20).is_some() {
            let error = refused(16, huge(HugePages::Require, bytes));
            let is_named =
                matches!(error, BuildError::NoSuchHugePages { bytes: b, .. } if b == bytes);
            assert!(is_named, "{error}");
        }
    }
}
