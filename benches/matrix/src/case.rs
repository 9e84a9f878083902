//! What is measured: a shape, at a size, on pages in an order, touched or not; and which of these a run takes.

use serde::{Deserialize, Serialize};

use crate::contender::{Order, Setup};

/// Pages to a call.
pub const BULKS: [usize; 10] = [1, 2, 3, 4, 8, 16, 32, 64, 128, 256];
/// Pages that `keep_2048` has out, and `random` about.
pub const KEPT: usize = 2048;
/// Pages of the setups in which few are out.
pub const PAGES: usize = 1 << 14;
/// Pages that `outstanding` and `outstanding_random` have out.
pub const OUT: [usize; 2] = [1 << 16, 1 << 20];
/// Most pages that a sample of `outstanding_random` frees, before it allocates as many: above what depots hold.
pub const FREED: usize = 1 << 18;
/// The cache lines over which colours stagger pages.
pub const COLOURS: usize = 16;
/// The batches that `orphan_drop` drops.
pub const ORPHANS: usize = 32;
/// Pages to a call of the smaller end of a pipe whose ends differ: no divisor of any size.
pub const SMALL: usize = 7;
/// The blocks of a bulk, where blocks come and go.
pub const BLOCKS: usize = 16;

/// A way in which pages come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Shape {
    /// Allocate n pages, free them.
    HotPair,
    /// Allocate 2,048 pages in bulks of n, then free them.
    #[serde(rename = "keep_2048")]
    #[value(name = "keep_2048")]
    Keep2048,
    /// Allocate n pages, free those that have been out for longest: 64 k or 1 M others are out.
    Outstanding,
    /// Free pages in a random order, n a call, and then allocate as many: of 64 k or 1 M that are out.
    OutstandingRandom,
    /// The hot pair, while another thread does the same; or 2,048 pages out and back.
    TwoThreads,
    /// One thread allocates bulks of n, another frees them.
    Pipe,
    /// One thread allocates bulks of n, another frees 7 pages a call.
    #[serde(rename = "pipe_into_7")]
    #[value(name = "pipe_into_7")]
    PipeInto7,
    /// One thread allocates 7 pages a call, another frees bulks of n.
    #[serde(rename = "pipe_from_7")]
    #[value(name = "pipe_from_7")]
    PipeFrom7,
    /// Allocate n pages, or free some bulk of n, at random, with about 2,048 out.
    Random,
    /// The same of bulks of 1 to n pages, a number at random for each call.
    Mixed,
    /// Allocate n pages, drop them without a cache, while another thread does the same.
    OrphanDrop,
    /// Allocate n blocks of 8 pages, free them.
    #[serde(rename = "block_pair_3")]
    #[value(name = "block_pair_3")]
    BlockPair3,
    /// The same of 512 pages.
    #[serde(rename = "block_pair_9")]
    #[value(name = "block_pair_9")]
    BlockPair9,
    /// Two threads take all n pages by turns, and wait for them.
    Wait,
}

impl Shape {
    /// All of them, in the order in which they are measured and shown.
    pub const ALL: [Shape; 14] = [
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
        Shape::BlockPair3,
        Shape::BlockPair9,
        Shape::Wait,
    ];

    /// Its name, as in the figures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Shape::HotPair => "hot_pair",
            Shape::Keep2048 => "keep_2048",
            Shape::Outstanding => "outstanding",
            Shape::OutstandingRandom => "outstanding_random",
            Shape::TwoThreads => "two_threads",
            Shape::Pipe => "pipe",
            Shape::PipeInto7 => "pipe_into_7",
            Shape::PipeFrom7 => "pipe_from_7",
            Shape::Random => "random",
            Shape::Mixed => "mixed",
            Shape::OrphanDrop => "orphan_drop",
            Shape::BlockPair3 => "block_pair_3",
            Shape::BlockPair9 => "block_pair_9",
            Shape::Wait => "wait",
        }
    }

    /// The order of the blocks that come and go, if these are not pages.
    #[must_use]
    pub fn blocks(self) -> Option<u8> {
        match self {
            Shape::BlockPair3 => Some(3),
            Shape::BlockPair9 => Some(9),
            _ => None,
        }
    }

    /// Whether two threads take part.
    #[must_use]
    pub fn takes_two(self) -> bool {
        use Shape::{OrphanDrop, Pipe, PipeFrom7, PipeInto7, TwoThreads, Wait};
        matches!(self, TwoThreads | Pipe | PipeInto7 | PipeFrom7 | OrphanDrop | Wait)
    }

    /// Whether a call handles other numbers of pages than `n`.
    #[must_use]
    pub fn is_uneven(self) -> bool {
        matches!(self, Shape::PipeInto7 | Shape::PipeFrom7 | Shape::Mixed)
    }

    /// What is done, in a few words.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Shape::HotPair => "allocate n pages, free them",
            Shape::Keep2048 => "allocate 2,048 pages in bulks of n, then free them",
            Shape::Outstanding => "allocate n pages, free the n that are out for longest",
            Shape::OutstandingRandom => "free in a random order, n a call, then allocate as many",
            Shape::TwoThreads => "the hot pair, while another thread does the same",
            Shape::Pipe => "one thread allocates bulks of n, another frees them",
            Shape::PipeInto7 => "one thread allocates bulks of n, another frees 7 a call",
            Shape::PipeFrom7 => "one thread allocates 7 a call, another frees bulks of n",
            Shape::Random => "allocate n pages, or free some bulk of n, at random",
            Shape::Mixed => "allocate 1 to n pages, or free some such bulk, at random",
            Shape::OrphanDrop => "allocate n pages, drop them without a cache, two threads",
            Shape::BlockPair3 => "allocate n blocks of 8 pages, free them",
            Shape::BlockPair9 => "allocate n blocks of 512 pages, free them",
            Shape::Wait => "two threads take all n pages by turns, and wait for them",
        }
    }
}

/// One thing to measure, for everybody who can do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// The way in which pages come and go.
    pub shape: Shape,
    /// Pages to a call.
    pub bulk: usize,
    /// Pages that are out meanwhile, where the shape says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out: Option<usize>,
    /// The order of the pages.
    pub order: Order,
    /// Whether the first bytes of every page are written.
    pub touched: bool,
    /// Whether the written parts of pages start on different cache lines.
    pub colour: bool,
}

impl Case {
    /// The pages that it is measured on.
    #[must_use]
    pub fn setup(&self) -> Setup {
        // Besides those that are out: what two caches hold, and the magazines behind them.
        let pages = match self.shape {
            Shape::Outstanding | Shape::OutstandingRandom => {
                self.out.unwrap_or_default() + PAGES / 2
            }
            // Whoever has them has all.
            Shape::Wait => self.bulk,
            _ => PAGES,
        };
        let colour = if self.colour { COLOURS } else { 1 };
        Setup { pages, touched: self.touched, colour, order: self.order }
    }

    /// What it shares with the cases that stand in one table with it.
    #[must_use]
    pub fn table(&self) -> Case {
        Case { bulk: 0, ..*self }
    }

    /// The heading of its table.
    #[must_use]
    pub fn title(&self) -> String {
        let what = match (self.shape, self.out) {
            (Shape::TwoThreads, Some(_)) => "keep_2048, while another thread does the same",
            _ => self.shape.what(),
        };
        self.told(&format!(": {what}"), "; ")
    }

    /// The heading, in fewer words.
    #[must_use]
    pub fn label(&self) -> String {
        self.told("", ", ")
    }

    /// Its name, what stands after that, and its form.
    fn told(&self, what: &str, apart: &str) -> String {
        let out = match self.out {
            Some(out) if out >= 1 << 20 => format!("{apart}{} M out", out >> 20),
            Some(out) => format!("{apart}{} k out", out >> 10),
            None => String::new(),
        };
        let order = match self.order {
            Order::Neighbours => format!("{apart}neighbouring pages"),
            Order::Scattered => String::new(),
        };
        let touched = if self.touched { format!("{apart}64 bytes written") } else { String::new() };
        let colour = if self.colour { " past a colour" } else { "" };
        format!("{}{what}{out}{order}{touched}{colour}", self.shape.name())
    }
}

/// How much a run measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The shapes as they are, and little beside.
    Quick,
    /// What a report shows.
    Usual,
    /// Everything.
    All,
}

/// The cases of a run: those on the same pages one after the other.
#[must_use]
pub fn cases(extent: Extent) -> Vec<Case> {
    let mut cases = Vec::new();
    for (touched, colour) in [(false, false), (true, false), (true, true)] {
        for order in [Order::Scattered, Order::Neighbours] {
            for shape in Shape::ALL {
                let outs: &[_] = match shape {
                    Shape::Outstanding => &OUT.map(Some),
                    // In any other order it is another shape.
                    Shape::OutstandingRandom if order == Order::Neighbours => &[],
                    Shape::OutstandingRandom => &OUT.map(Some),
                    Shape::TwoThreads => &[None, Some(KEPT)],
                    _ => &[None],
                };
                for &out in outs {
                    let case = |bulk| Case { shape, bulk, out, order, touched, colour };
                    cases.extend(BULKS.map(case).into_iter().filter(|case| takes(extent, case)));
                }
            }
        }
    }
    // Stable: pools are built once for all that is measured on them.
    cases.sort_by_key(|case| case.setup().pages);
    cases.sort_by_key(|case| (case.touched, case.colour, case.order == Order::Neighbours));
    cases
}

/// Whether a run takes a case.
fn takes(extent: Extent, case: &Case) -> bool {
    use Shape::{HotPair, Keep2048, OrphanDrop, OutstandingRandom, Pipe, Random};
    let Case { shape, bulk, out, order, touched, .. } = *case;
    if shape == OutstandingRandom && !matches!(bulk, 1 | 8 | 64) {
        return false;
    }
    if shape == OrphanDrop && bulk != ORPHANS {
        return extent == Extent::All;
    }
    let plain = !touched && order == Order::Scattered;
    // Of a block nobody chooses where its pages lie.
    if shape.blocks().is_some() && !(plain && matches!(bulk, 1 | BLOCKS)) {
        return false;
    }
    if shape == Shape::Wait {
        return plain && matches!(bulk, 1 | 64);
    }
    if shape.is_uneven() {
        return match extent {
            Extent::All => bulk > SMALL,
            Extent::Usual => plain && matches!(bulk, 8 | 64 | 256),
            Extent::Quick => plain && bulk == 64,
        };
    }
    match extent {
        Extent::All => true,
        Extent::Quick => {
            let few = shape == Random || out.is_some();
            if shape.blocks().is_some() {
                return bulk == 1;
            }
            plain && out != Some(OUT[1]) && (!few || bulk == 64)
        }
        Extent::Usual if plain && shape == OutstandingRandom => bulk != 8,
        Extent::Usual if plain => out.is_none() || matches!(bulk, 1 | 8 | 64 | 256),
        Extent::Usual if touched => {
            let short = matches!(shape, HotPair | Keep2048 | Random | Pipe);
            order == Order::Scattered && short && matches!(bulk, 1 | 8 | 64 | 256)
        }
        Extent::Usual => {
            let short = matches!(shape, HotPair | Keep2048 | Pipe) && matches!(bulk, 1 | 8 | 64);
            short || shape == OrphanDrop
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_every_shape_with_and_without_touch_and_colour() {
        let cases = cases(Extent::All);
        // Seven shapes, of which two have two counts of pages out, in two orders; three sizes of the eighth; and two of
        // blocks of two orders, in one form. Then three shapes whose calls differ, at six sizes, and two of waiting.
        let uneven = 3 * BULKS.iter().filter(|bulk| **bulk > SMALL).count() * 2 * 3;
        assert_eq!(cases.len(), (9 * BULKS.len() * 2 + 2 * 3) * 3 + 2 * 2 + uneven + 2);
        let of_pages = |shape: &Shape| shape.blocks().is_none() && *shape != Shape::Wait;
        for shape in Shape::ALL.into_iter().filter(of_pages) {
            for (touched, colour) in [(false, false), (true, false), (true, true)] {
                let found = |case: &&Case| {
                    (case.shape, case.touched, case.colour) == (shape, touched, colour)
                };
                assert!(cases.iter().any(|case| found(&case)), "{shape:?} {touched} {colour}");
            }
        }
    }

    #[test]
    fn less_is_a_part_of_more() {
        let (quick, usual, all) = (cases(Extent::Quick), cases(Extent::Usual), cases(Extent::All));
        assert!(quick.iter().all(|case| usual.contains(case)));
        assert!(usual.iter().all(|case| all.contains(case)));
        for shape in Shape::ALL {
            assert!(quick.iter().any(|case| case.shape == shape), "{shape:?}");
        }
    }

    #[test]
    fn cases_on_the_same_pages_stand_together() {
        let mut setups: Vec<_> = cases(Extent::All).iter().map(Case::setup).collect();
        setups.dedup();
        for (at, setup) in setups.iter().enumerate() {
            assert!(!setups[..at].contains(setup), "{setup:?} comes back");
        }
    }

    #[test]
    fn names_are_those_of_the_figures() {
        for shape in Shape::ALL {
            let told = serde_json::to_value(shape).expect("a name");
            assert_eq!(told, shape.name());
            let asked = <Shape as clap::ValueEnum>::from_str(shape.name(), false);
            assert_eq!(asked, Ok(shape));
        }
    }
}
