//! Who takes part in what.

use anyhow::Result;
use pagesheaf::hardening::{CLAIM, POISON, QUARANTINE, SHUFFLE};
use pagesheaf::{Bare, Checked, Compact, Hardened, NoChecks, NoRefcount, NoStats, Select};
use serde::{Deserialize, Serialize};

use crate::case::{Case, OUT, Shape};
use crate::contender::{Contender, Order, Setup};
use crate::contenders::{
    CopyFloor, DriverFifo, DriverLifo, Lent, LentInTwo, Modal, PoisonFloor, Raw, Sampled, Single,
    Stealable, Waiting,
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
        let make = |setup: &Setup| Ok(Box::new(Hands::<C>::new(setup)?) as Box<dyn Stand>);
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

/// The shapes that show what the calls of a cache cost in themselves.
const STOLEN: [Shape; 2] = [Shape::HotPair, Shape::Keep2048];

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

/// Everyone but the rivals.
#[must_use]
pub fn entries() -> Vec<Entry> {
    fn mode<M: pagesheaf::Mode>(name: &'static str) -> Entry {
        Entry::new::<Modal<M>>(name, Kind::Mode, OF_MODES)
    }
    fn step<const H: u8>(name: &'static str) -> Entry {
        Entry::step::<Modal<Select<true, true, true, H>>>(name, Kind::Mode, LADDER)
    }
    vec![
        Entry::new::<CopyFloor>("copy-floor", Kind::Floor, APART).untouched(),
        Entry::new::<CopyFloor>("ring-only", Kind::Floor, PIPES).untouched(),
        Entry::new::<DriverLifo>("driver-lifo", Kind::Recycler, APART),
        Entry::new::<DriverFifo>("driver-fifo", Kind::Recycler, APART),
        Entry::new::<Single<Checked>>(
            "single",
            Kind::Calls,
            &[Shape::HotPair, Shape::Keep2048, Shape::OutstandingRandom],
        ),
        Entry::new::<Raw<Checked>>("raw", Kind::Calls, BY_HAND).untouched(),
        Entry::new::<Lent<Bare>>("Bare-lent", Kind::Calls, LENT).untouched(),
        Entry::new::<LentInTwo<Bare>>("Bare-lent-in-two", Kind::Calls, LENT).untouched(),
        Entry::new::<Lent<Checked>>("lent", Kind::Calls, LENT).untouched(),
        Entry::new::<LentInTwo<Checked>>("lent-in-two", Kind::Calls, LENT).untouched(),
        Entry::new::<Waiting<Bare>>("Bare-async", Kind::Calls, WAITS).untouched(),
        Entry::new::<Waiting<Checked>>("async", Kind::Calls, WAITS).untouched(),
        mode::<Bare>("Bare"),
        // A step of the report's ladder.
        Entry::new::<Modal<Select<true, false, false, 0>>>(
            "Bare+refcount",
            Kind::Mode,
            &[Shape::HotPair, Shape::Keep2048],
        ),
        // The price of caches that can be stolen from.
        Entry::new::<Stealable<Bare>>("Bare+stealable", Kind::Mode, &STOLEN),
        Entry::new::<Stealable<Checked>>("Checked+stealable", Kind::Mode, &STOLEN),
        mode::<NoChecks>("NoChecks"),
        mode::<NoStats>("NoStats"),
        mode::<NoRefcount>("NoRefcount"),
        mode::<Compact>("Compact"),
        mode::<Checked>("Checked"),
        mode::<Hardened>("Hardened").slowness(POISONING),
        // Each switch alone, and then one after the other; all four are `Hardened`. Poison comes last, because beside
        // it no other could be seen.
        step::<{ CLAIM }>("Checked+claim"),
        step::<{ QUARANTINE }>("Checked+quarantine"),
        step::<{ SHUFFLE }>("Checked+shuffle"),
        step::<{ POISON }>("Checked+poison"),
        step::<{ CLAIM | QUARANTINE }>("Checked+claim+quarantine"),
        step::<{ CLAIM | QUARANTINE | SHUFFLE }>("Checked+claim+quarantine+shuffle"),
        // As many pages are poisoned in a sample as in one of `Hardened`.
        Entry::step::<Sampled<Select<true, true, true, POISON>, 16>>(
            "Checked+poison/16",
            Kind::Mode,
            LADDER,
        )
        .slowness(POISONING / 16),
        Entry::step::<Sampled<Hardened, 16>>("Hardened/16", Kind::Mode, LADDER)
            .slowness(POISONING / 16),
        Entry::step::<PoisonFloor>("poison-floor", Kind::Floor, ALONE),
        Entry::step::<PoisonFloor<16>>("claim-floor/16", Kind::Floor, ALONE)
            .slowness(POISONING / 16),
    ]
}
