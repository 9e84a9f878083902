//! Who takes part in what.

use anyhow::Result;
use pagesheaf::hardening::{CLAIM, POISON, QUARANTINE, SHUFFLE};
use pagesheaf::{Bare, Checked, Compact, Hardened, Mode, NoChecks, NoRefcount, NoStats, Select};
use serde::{Deserialize, Serialize};

use crate::case::{Case, OUT, Shape};
use crate::contender::{Contender, Order, Setup};
use crate::contenders::{
    CopyFloor, DriverFifo, DriverLifo, Lent, LentBatch, LentInTwo, Modal, PoisonFloor, Raw,
    Sampled, Single, Stealable, Waiting,
};
use crate::stand::{AtOneSize, Hands, ONE_SIZE, Stand};

/// What somebody is to the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The least that there can be; it allocates nothing.
    Floor,
    /// A recycler as drivers write them, for one thread.
    Recycler,
    /// The allocator, by other calls than batches.
    Calls,
    /// The allocator in a mode.
    Mode,
    /// Another allocator or queue.
    Rival,
}

/// One who takes part.
pub struct Entry {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    shapes: &'static [Shape],
    touches: bool,
    pub(crate) writes: bool,
    pub(crate) slowness: usize,
    /// It takes part in one table only, the ladder's.
    pub(crate) step: bool,
    /// The crate that it is of, and its version.
    of_crate: Option<String>,
    make: fn(&Setup) -> Result<Box<dyn Stand>>,
}

impl Entry {
    /// Somebody who does these shapes, also with pages touched.
    #[must_use]
    pub fn new<C: Contender>(name: &'static str, kind: Kind, shapes: &'static [Shape]) -> Self {
        Self::of::<C, false>(name, kind, shapes)
    }

    /// The same, or with `COUNTED` somebody whose instructions are counted.
    fn of<C: Contender, const COUNTED: bool>(
        name: &'static str,
        kind: Kind,
        shapes: &'static [Shape],
    ) -> Self {
        let make = |setup: &Setup| Ok(Box::new(Hands::<C, COUNTED>::new(setup)?) as Box<dyn Stand>);
        Entry {
            name,
            kind,
            shapes,
            touches: true,
            writes: C::WRITES,
            slowness: 1,
            step: false,
            of_crate: None,
            make,
        }
    }

    /// Somebody who is a step of the ladder of hardening, and nothing else.
    fn step<C: Contender>(name: &'static str, kind: Kind, shapes: &'static [Shape]) -> Self {
        let make = |setup: &Setup| Ok(Box::new(AtOneSize::<C>::new(setup)?) as Box<dyn Stand>);
        let entry = Entry {
            name,
            kind,
            shapes,
            touches: false,
            writes: C::WRITES,
            slowness: 1,
            step: true,
            of_crate: None,
            make,
        };
        entry.slowness(if C::WRITES { POISONING } else { 1 })
    }

    /// It takes no part where pages are touched.
    #[must_use]
    pub fn untouched(mut self) -> Self {
        self.touches = false;
        self
    }

    /// Its samples handle so many times fewer pages.
    #[must_use]
    pub fn slowness(mut self, times: usize) -> Self {
        self.slowness = times;
        self
    }

    /// It is of this crate: a name and a version, which the report shows.
    #[must_use]
    pub fn of_crate(mut self, name_and_version: String) -> Self {
        self.of_crate = Some(name_and_version);
        self
    }

    /// Its name, and the crate that it is of, if it is of one.
    pub(crate) fn crate_line(&self) -> Option<String> {
        self.of_crate.as_ref().map(|it| format!("{}: {it}", self.name))
    }

    /// Whether its pages go to a device.
    pub(crate) fn lends(&self) -> bool {
        self.shapes == LENT
    }

    /// Whether it does a case.
    pub(crate) fn does(&self, case: &Case) -> bool {
        self.could(case) && !self.too_slow(case)
    }

    /// Whether it could do a case, but does not: who is slow does not fill a million pages, which would take most of
    /// the run.
    pub(crate) fn too_slow(&self, case: &Case) -> bool {
        self.could(case) && self.slowness > 1 && case.out == Some(OUT[1])
    }

    fn could(&self, case: &Case) -> bool {
        let in_table = !self.step
            || (case.bulk == ONE_SIZE
                && case.order == Order::Scattered
                && case.out.is_none_or(|out| out == OUT[0]));
        self.shapes.contains(&case.shape) && in_table && (self.touches || !case.touched)
    }

    /// Its pages.
    pub(crate) fn make(&self, setup: &Setup) -> Result<Box<dyn Stand>> {
        (self.make)(setup)
    }
}

/// How slow somebody is who writes and reads every byte of every page.
const POISONING: usize = 64;

/// The shapes on which the ladder is climbed.
pub const LADDER: &[Shape] =
    &[Shape::HotPair, Shape::Keep2048, Shape::Outstanding, Shape::TwoThreads, Shape::Pipe];

/// Those of one thread, in which plain writing and comparing of the same pages stands beside it.
pub const ALONE: &[Shape] = &[Shape::HotPair, Shape::Keep2048, Shape::Outstanding];

/// The shape that shows what lending costs in itself.
const LENT: &[Shape] = &[Shape::HotPair];

/// Those in which pages go from one thread to another.
const PIPES: &[Shape] = &[Shape::Pipe, Shape::PipeInto7, Shape::PipeFrom7];

/// Waiting, and nothing else.
const WAITS: &[Shape] = &[Shape::Wait];

/// All that pages in a mode do: it waits by other calls.
const OF_MODES: &[Shape] = Shape::ALL.split_at(Shape::ALL.len() - 1).0;

/// All shapes that one thread does, or two with pages of their own.
const APART: &[Shape] = &[
    Shape::HotPair,
    Shape::Keep2048,
    Shape::Outstanding,
    Shape::OutstandingRandom,
    Shape::TwoThreads,
    Shape::Random,
    Shape::Mixed,
];

/// These and the pipes: all that have pages freed through a hand.
pub const BY_HAND: &[Shape] = &[
    Shape::HotPair,
    Shape::Keep2048,
    Shape::Outstanding,
    Shape::OutstandingRandom,
    Shape::TwoThreads,
    Shape::Pipe,
    Shape::PipeInto7,
    Shape::PipeFrom7,
    Shape::Random,
    Shape::Mixed,
];

/// Of those, the shapes that leave few pages out: a million buffers of the heap would be as many pages of memory.
pub const FEW_OUT: &[Shape] = &[
    Shape::HotPair,
    Shape::Keep2048,
    Shape::TwoThreads,
    Shape::Pipe,
    Shape::PipeInto7,
    Shape::PipeFrom7,
    Shape::Random,
    Shape::Mixed,
];

/// All but those of blocks, and waiting.
pub const OF_PAGES: &[Shape] = &[
    Shape::HotPair,
    Shape::Keep2048,
    Shape::Outstanding,
    Shape::OutstandingRandom,
    Shape::TwoThreads,
    Shape::Pipe,
    Shape::PipeInto7,
    Shape::PipeFrom7,
    Shape::Random,
    Shape::Mixed,
    Shape::OrphanDrop,
];

/// Everyone but the rivals; with `COUNTED` only those whose instructions are counted, who do nothing else.
///
/// So a program has only what it runs: all that is timed takes minutes to build.
#[must_use]
pub fn entries<const COUNTED: bool>() -> Vec<Entry> {
    fn calls<C: Contender, const COUNTED: bool>(
        name: &'static str,
        shapes: &'static [Shape],
    ) -> Entry {
        Entry::of::<C, COUNTED>(name, Kind::Calls, shapes)
    }
    fn some<C: Contender, const COUNTED: bool>(name: &'static str) -> Entry {
        Entry::of::<C, COUNTED>(name, Kind::Mode, &[Shape::HotPair, Shape::Keep2048])
    }
    fn mode<M: Mode, const COUNTED: bool>(name: &'static str) -> Entry {
        Entry::of::<Modal<M>, COUNTED>(name, Kind::Mode, OF_MODES)
    }
    let floor = Entry::of::<CopyFloor, COUNTED>("copy-floor", Kind::Floor, APART);
    let mut all = vec![floor.untouched()];
    if !COUNTED {
        all.extend(timed_only());
    }
    let single = &[Shape::HotPair, Shape::Keep2048, Shape::OutstandingRandom];
    all.extend([
        calls::<Single<Checked>, COUNTED>("single", single),
        calls::<Lent<Bare>, COUNTED>("Bare-lent", LENT).untouched(),
        calls::<LentBatch<Bare>, COUNTED>("Bare-lent-batch", LENT).untouched(),
        calls::<LentInTwo<Bare>, COUNTED>("Bare-lent-in-two", LENT).untouched(),
        calls::<Lent<Checked>, COUNTED>("lent", LENT).untouched(),
        calls::<LentBatch<Checked>, COUNTED>("lent-batch", LENT).untouched(),
        calls::<LentInTwo<Checked>, COUNTED>("lent-in-two", LENT).untouched(),
        mode::<Bare, COUNTED>("Bare"),
        // A step of the report's ladder.
        some::<Modal<Select<true, false, false, 0>>, COUNTED>("Bare+refcount"),
        // The price of caches that can be stolen from.
        some::<Stealable<Bare>, COUNTED>("Bare+stealable"),
        some::<Stealable<Checked>, COUNTED>("Checked+stealable"),
        mode::<NoChecks, COUNTED>("NoChecks"),
        mode::<NoStats, COUNTED>("NoStats"),
        mode::<NoRefcount, COUNTED>("NoRefcount"),
        mode::<Compact, COUNTED>("Compact"),
        mode::<Checked, COUNTED>("Checked"),
        mode::<Hardened, COUNTED>("Hardened").slowness(POISONING),
    ]);
    if !COUNTED {
        all.extend(ladder());
    }
    all
}

/// Floors, recyclers and other calls than batches. Inline, and so compiled where somebody is timed.
#[inline]
fn timed_only() -> [Entry; 6] {
    [
        Entry::new::<CopyFloor>("ring-only", Kind::Floor, PIPES).untouched(),
        Entry::new::<DriverLifo>("driver-lifo", Kind::Recycler, APART),
        Entry::new::<DriverFifo>("driver-fifo", Kind::Recycler, APART),
        Entry::new::<Raw<Checked>>("raw", Kind::Calls, BY_HAND).untouched(),
        Entry::new::<Waiting<Bare>>("Bare-async", Kind::Calls, WAITS).untouched(),
        Entry::new::<Waiting<Checked>>("async", Kind::Calls, WAITS).untouched(),
    ]
}

/// Each switch of hardening alone, and then one after the other; all four are `Hardened`. Poison comes last, because
/// beside it no other could be seen. Inline as well.
#[inline]
fn ladder() -> [Entry; 10] {
    fn step<const H: u8>(name: &'static str) -> Entry {
        Entry::step::<Modal<Select<true, true, true, H>>>(name, Kind::Mode, LADDER)
    }
    type Poisoned = Select<true, true, true, POISON>;
    // As many pages are poisoned in a sample as in one of `Hardened`.
    let sampled = POISONING / 16;
    [
        step::<{ CLAIM }>("Checked+claim"),
        step::<{ QUARANTINE }>("Checked+quarantine"),
        step::<{ SHUFFLE }>("Checked+shuffle"),
        step::<{ POISON }>("Checked+poison"),
        step::<{ CLAIM | QUARANTINE }>("Checked+claim+quarantine"),
        step::<{ CLAIM | QUARANTINE | SHUFFLE }>("Checked+claim+quarantine+shuffle"),
        Entry::step::<Sampled<Poisoned, 16>>("Checked+poison/16", Kind::Mode, LADDER)
            .slowness(sampled),
        Entry::step::<Sampled<Hardened, 16>>("Hardened/16", Kind::Mode, LADDER).slowness(sampled),
        Entry::step::<PoisonFloor>("poison-floor", Kind::Floor, ALONE),
        Entry::step::<PoisonFloor<16>>("claim-floor/16", Kind::Floor, ALONE).slowness(sampled),
    ]
}
