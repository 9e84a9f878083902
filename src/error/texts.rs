//! Every error says what to do: each variant of each type is tried.

extern crate std;

use core::fmt::{Debug, Display};
use std::format;
use std::string::ToString;
use std::vec::Vec;

use super::*;
use crate::mode::{Checked, ModeFlags};
use crate::nodes::NodeError;
use crate::page::{IdError, OrderError};
use crate::ticket::Ticket;
use crate::trail::Trail;

/// Words that tell a reader to do something.
const STEPS: &[&str] = &[
    "align", "allow", "ask", "build", "call", "choose", "close", "cut", "drain", "drop", "free",
    "give", "handle", "leave", "let", "lock", "look", "lower", "make", "name", "raise", "reclaim",
    "reserve", "say", "see", "tell", "try", "use", "wait",
];

/// Asserts that what stands behind some colon begins with a step.
#[track_caller]
fn names_a_step(text: &str) {
    let steps = text.split(": ").skip(1).any(|part| {
        let word = part.split(|it: char| !it.is_ascii_alphabetic()).next();
        word.is_some_and(|word| STEPS.contains(&word))
    });
    assert!(steps, "no next step: {text}");
}

/// The same of an error, whose `Debug` has the sentence, too.
#[track_caller]
fn error_names_a_step<T: Display + Debug>(error: T) {
    names_a_step(&error.to_string());
    let debug = format!("{error:?}");
    assert!(debug.ends_with(&format!("({error})")), "{debug}");
}

/// The values of every variant of a type. A variant that is not listed does not compile.
macro_rules! every {
    ($type:ident: $($variant:ident $values:expr),+ $(,)?) => {{
        let mut all: Vec<$type> = Vec::new();
        $({
            let values: Vec<$type> = $values.into();
            assert!(!values.is_empty());
            assert!(values.iter().all(|it| matches!(it, $type::$variant { .. })));
            all.extend(values);
        })+
        for value in &all {
            match value {
                $($type::$variant { .. } => {})+
            }
        }
        all
    }};
}

fn faults() -> Vec<Fault> {
    every!(Fault:
        OutOfRange [Fault::OutOfRange],
        AlreadyFree [Fault::AlreadyFree],
        Shared [Fault::Shared { references: 2 }],
        FewerReferences [Fault::FewerReferences { references: 3 }],
        Saturated [Fault::Saturated],
        InBlock [Fault::InBlock { order: 3 }],
        NotABlock [Fault::NotABlock],
        Lent [Fault::Lent],
        NotLent [Fault::NotLent],
        OtherPool [Fault::OtherPool],
        AddressOnly [Fault::AddressOnly],
        Offline [Fault::Offline],
        Withheld [Fault::Withheld],
        Poison [Fault::Poison { offset: 17 }],
        Corrupt [Fault::Corrupt],
    )
}

fn reasons() -> Vec<ShortReason> {
    every!(ShortReason:
        Exhausted [ShortReason::Exhausted],
        Cached [ShortReason::Cached],
        Busy [ShortReason::Busy],
        Promised [ShortReason::Promised],
        Fenced [ShortReason::Fenced],
        NodeMask [ShortReason::NodeMask],
        Watermark [ShortReason::Watermark],
        Fragmented [ShortReason::Fragmented],
        TooMany [ShortReason::TooMany],
        BatchFull [ShortReason::BatchFull],
        OtherPool [ShortReason::OtherPool],
        AddressOnly [ShortReason::AddressOnly],
        NotBuilt [ShortReason::NotBuilt],
        Injected [ShortReason::Injected],
    )
}

fn places() -> Vec<PlaceReason> {
    every!(PlaceReason:
        OutOfRange [PlaceReason::OutOfRange],
        NotABlock [0, 10, u8::MAX].map(|order| PlaceReason::NotABlock { order }),
        Out [PlaceReason::Out],
        Lent [PlaceReason::Lent],
        Withheld [PlaceReason::Withheld],
        Offline [PlaceReason::Offline],
        Cached [PlaceReason::Cached],
        OutOrCached [PlaceReason::OutOrCached],
        Fenced [PlaceReason::Fenced],
        Busy [PlaceReason::Busy],
        Watermark [PlaceReason::Watermark],
        AddressOnly [PlaceReason::AddressOnly],
        Injected [PlaceReason::Injected],
    )
}

/// The limits, each in every shape of its text.
fn limits() -> Vec<MemoryLimit> {
    let process = |used| MemoryLimit::Process { name: "RLIMIT_AS", limit: 8, used };
    every!(MemoryLimit:
        Unknown [MemoryLimit::Unknown],
        Process [process(None), process(Some(7))],
        Promises [MemoryLimit::Promises { limit: 8, promised: 7 }],
        Machine [MemoryLimit::Machine { total: 8 }],
    )
}

/// Why there is no pool, each in every shape of its text.
fn builds() -> Vec<BuildError> {
    let (code, mode, what) = (12, ModeFlags::of::<Checked>(), "memory");
    let lock = |limit, locked, code| BuildError::Lock { bytes: 4096, limit, locked, code };
    let huge = |free| BuildError::HugePages { pages: 2, size: 2 << 20, free, code };
    let none = |sizes| BuildError::NoSuchHugePages { bytes: 1 << 30, sizes, code };
    let memory = limits().into_iter();
    let memory = memory.map(|limit| BuildError::NoMemory { what, bytes: 9, limit, code });
    every!(BuildError:
        NoPages [BuildError::NoPages],
        TooManyPages [9, u32::MAX].map(|most| BuildError::TooManyPages { pages: 10, most }),
        Initially [BuildError::Initially { pages: 2, capacity: 1 }],
        PageSize [0, usize::MAX].map(|bytes| BuildError::PageSize { bytes }),
        Overflow [BuildError::Overflow],
        MagazineCapacity [BuildError::MagazineCapacity { ids: 0 }],
        Fences [BuildError::Fences { fences: 32, most: 31 }],
        Depots [BuildError::Depots { depots: 3, most: 32 }],
        MaxCaches [0, 20_000].map(|slots| BuildError::MaxCaches { slots }),
        CacheColor [0, 65].map(|lines| BuildError::CacheColor { lines, most: 64 }),
        PastTheTop [BuildError::PastTheTop { base: usize::MAX, bytes: 64 }],
        PoisonEvery [0, 1].map(|pages| BuildError::PoisonEvery { pages, mode }),
        PoisonLazily [BuildError::PoisonLazily { mode }],
        Purge ["a lock", "huge pages", "an on_region hook"].map(|with| BuildError::Purge { with }),
        QuarantineLength [BuildError::QuarantineLength { mode }],
        Watermarks [(1, 2), (9, 2)].map(|(low, reserve)| {
            BuildError::Watermarks { low, reserve, capacity: 9 }
        }),
        RegionTooSmall [BuildError::RegionTooSmall { need: 9, have: 1 }],
        RegionMisaligned [BuildError::RegionMisaligned { align: 64 }],
        BaseMismatch [BuildError::BaseMismatch],
        RegionTwice [BuildError::RegionTwice],
        RangeOutside [BuildError::RangeOutside { start: 1, end: 2 }],
        RangesOverlap [BuildError::RangesOverlap { address: 1 }],
        CachesUnnamed [BuildError::CachesUnnamed],
        MetadataTooSmall [BuildError::MetadataTooSmall { need: 9, have: 1 }],
        MetadataMisaligned [BuildError::MetadataMisaligned { align: 64 }],
        NoMemory memory.collect::<Vec<_>>(),
        Lock [
            lock(None, None, 12), lock(Some(1), None, 12), lock(Some(1), Some(1), 11),
            lock(Some(1 << 20), Some(0), 12),
        ],
        HugePages [huge(None), huge(Some(1)), huge(Some(9))],
        NoSuchHugePages [none(0), none(1 << 21)],
        HugePageSize [BuildError::HugePageSize { bytes: 5, system: 4096 }],
        HugePagesOff [BuildError::HugePagesOff { bytes: 5 }],
        Node [0, 1, 2].map(|online| BuildError::Node { node: 1, online, code }),
        System [BuildError::System { what, code }],
        Unsupported [BuildError::Unsupported { what }],
    )
}

fn ranges() -> Vec<RangeError> {
    let page = PageId::new(7);
    every!(RangeError:
        FixedSize [RangeError::FixedSize],
        Backwards [RangeError::Backwards { start: 2, end: 1 }],
        PastTheEnd [RangeError::PastTheEnd { end: 2, capacity: 1 }],
        AlreadyOnline [RangeError::AlreadyOnline { page }],
        Corrupt [RangeError::Corrupt { page }],
        AlreadyOffline [RangeError::AlreadyOffline { page }],
    )
}

fn caches() -> Vec<CacheError> {
    let short = |reason| CacheError::Short { pages: 2, had: 1, reason };
    every!(CacheError:
        NoSlot [0, 1, 2].map(|slots| CacheError::NoSlot { slots }),
        NotBuilt [CacheError::NotBuilt],
        Injected [CacheError::Injected],
        Minimum [CacheError::Minimum { pages: 2, most: 1 }],
        Short reasons().into_iter().map(short).collect::<Vec<_>>(),
    )
}

fn waits() -> Vec<WaitReason> {
    every!(WaitReason:
        TimedOut [WaitReason::TimedOut],
        TooMany [WaitReason::TooMany { most: 1 }],
        Refused reasons().into_iter().map(WaitReason::Refused).collect::<Vec<_>>(),
    )
}

/// The events of a page that has none.
fn no_trail() -> Trail {
    Default::default()
}

#[test]
fn every_reason_names_a_step() {
    let taints = every!(TaintReason:
        Fault faults().into_iter().map(TaintReason::Fault).collect::<Vec<_>>(),
        RefcountsIgnored [TaintReason::RefcountsIgnored],
        Metadata [TaintReason::Metadata],
    );
    faults().iter().for_each(|it| names_a_step(&it.to_string()));
    taints.iter().for_each(|it| names_a_step(&it.to_string()));
    for limit in limits() {
        names_a_step(&format!("it was refused: {limit}"));
    }
    reasons().iter().for_each(error_names_a_step);
    places().iter().for_each(error_names_a_step);
    waits().iter().for_each(error_names_a_step);
    let (page, mode, trail) = (Some(PageId::new(7)), ModeFlags::of::<Checked>(), no_trail());
    for reason in taints {
        let taint = Taint { reason, page, call: Some("free"), mode, trail };
        names_a_step(&taint.to_string());
    }
}

#[test]
fn every_error_names_a_step() {
    builds().into_iter().for_each(error_names_a_step);
    ranges().into_iter().for_each(error_names_a_step);
    caches().into_iter().for_each(error_names_a_step);
    let fence = |fences| FenceError::NoFence { ticket: Ticket::new(1, 7), fences };
    let fences = every!(FenceError:
        NoFence [fence(0), fence(1)],
        NoMagazine [FenceError::NoMagazine],
        OtherPool [FenceError::OtherPool],
        Injected [FenceError::Injected],
    );
    let batches = every!(BatchError:
        Full [BatchError::Full],
        OtherPool [BatchError::OtherPool],
    );
    let inits = every!(InitError:
        Building [InitError::Building],
        Built [InitError::Built],
        Failed builds().into_iter().map(InitError::Failed).collect::<Vec<_>>(),
    );
    let nodes = every!(NodeError:
        NoPool [NodeError::NoPool],
        TooMany [NodeError::TooMany { room: 2 }],
        PageSizes [NodeError::PageSizes { first: 64, other: 128 }],
        Twice [NodeError::Twice { node: 1 }],
    );
    fences.into_iter().for_each(error_names_a_step);
    batches.into_iter().for_each(error_names_a_step);
    inits.into_iter().for_each(error_names_a_step);
    nodes.into_iter().for_each(error_names_a_step);
    error_names_a_step(NotBuilt);
    error_names_a_step(OrderError { order: 11 });
    for most in [u16::MAX.into(), u32::MAX.into()] {
        error_names_a_step(IdError { number: u64::MAX, most });
    }
}

/// Errors that say of which page, or of how many, a reason is. Those that hold a pool or a page of
/// one, `CloseError` and `PushError`, are in `tests/contract/texts.rs`.
#[test]
fn errors_that_have_a_reason_name_its_step() {
    let (page, mode, trail) = (PageId::new(7), ModeFlags::of::<Checked>(), no_trail());
    for fault in faults() {
        for count in [1, 3] {
            let bad = [1, 0, 0, 0];
            let error = PageError { page, position: 0, fault, count, done: 2, mode, bad, trail };
            error_names_a_step(error);
        }
        error_names_a_step(BadPage { page, fault, mode, trail });
    }
    for (reason, had) in reasons().into_iter().flat_map(|it| [(it, 0), (it, 2)]) {
        error_names_a_step(ExactError { want: 3, had, reason });
    }
    for reason in waits() {
        error_names_a_step(WaitError { want: 3, had: 1, reason });
    }
    for reason in places() {
        error_names_a_step(PlaceError { page, reason });
    }
}

#[test]
fn a_text_without_a_step_is_noticed() {
    for text in ["is lent", "no fence: the pool has 1 (Builder::fences)", "user: none", "use it"] {
        assert!(std::panic::catch_unwind(|| names_a_step(text)).is_err(), "{text}");
    }
    names_a_step("no fence: the pool has 1: name more");
}
