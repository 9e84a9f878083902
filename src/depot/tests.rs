//! What goes onto the depot's stacks comes off them, last in first out, and never by a stale word.

extern crate std;

use super::*;
use crate::magazine::MagazineLayout;
use crate::metadata::{MetadataLayout, tests::with_block};
use crate::mode::Checked;

/// A depot of the empty magazines 3, 4 and 5, of which the tests know the numbers only.
struct Fixture<'a> {
    depot: &'a Depot,
    magazines: &'a Magazines,
}

fn magazine(number: u32) -> Magazine {
    // SAFETY: these tests have one value for a magazine at a time, and put no ids into any.
    unsafe { Magazine::from_number(number) }
}

impl Fixture<'_> {
    fn pop(&self, from: Stack) -> Option<u32> {
        self.depot.pop::<Checked>(self.magazines, from).map(Magazine::into_number)
    }

    fn push(&self, number: u32, to: Stack) {
        self.depot.push(self.magazines, magazine(number), 0, to);
    }

    fn exchange(&self, number: u32, from: Stack) -> Result<u32, u32> {
        self.depot
            .exchange::<Checked>(self.magazines, magazine(number), 0, from)
            .map(Magazine::into_number)
            .map_err(Magazine::into_number)
    }

    fn tag(&self) -> u64 {
        self.depot.tops.load(Ordering::Relaxed) >> 32
    }
}

fn with_depot(f: impl FnOnce(&Fixture<'_>)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let spans = MagazineLayout::new(&mut layout, 5, 8).expect("fits");
    with_block(layout, |mut block| {
        let magazines = &Magazines::new(&mut block, spans);
        f(&Fixture { depot: &Depot::new(0, magazines, (3..=5).map(magazine)), magazines });
    });
}

#[test]
fn the_word_has_three_parts() {
    let tops = Tops(0x1234_5678_9abc_def0);
    assert_eq!((tops.top(Stack::Nonempty), tops.top(Stack::Empty)), (0x9abc, 0xdef0));
    assert_eq!(tops.with(Stack::Nonempty, 0xffff).0, 0x1234_5678_ffff_def0);
    assert_eq!(tops.with(Stack::Empty, 1).0, 0x1234_5678_9abc_0001);
    assert_eq!(tops.retagged().0, 0x1234_5679_9abc_def0);
    assert_eq!(Tops(0xffff_ffff_9abc_def0).retagged().0, 0x9abc_def0);
}

#[test]
fn each_stack_gives_what_it_got_last() {
    with_depot(|depot| {
        assert_eq!(depot.pop(Stack::Nonempty), None);
        assert_eq!(depot.pop(Stack::Empty), Some(5));
        depot.push(5, Stack::Nonempty);
        depot.push(1, Stack::Nonempty);
        assert_eq!(depot.pop(Stack::Empty), Some(4));
        assert_eq!([1, 5].map(|_| depot.pop(Stack::Nonempty)), [Some(1), Some(5)]);
        assert_eq!(depot.pop(Stack::Nonempty), None);
        assert_eq!([3, 0].map(|_| depot.pop(Stack::Empty)), [Some(3), None]);
        assert_eq!(depot.depot.cuts(), 0);
    });
}

#[test]
fn an_exchange_moves_one_to_each_side_or_nothing() {
    with_depot(|depot| {
        assert_eq!(depot.exchange(1, Stack::Nonempty), Err(1));
        assert_eq!(depot.exchange(1, Stack::Empty), Ok(5));
        assert_eq!(depot.exchange(2, Stack::Empty), Ok(4));
        assert_eq!(depot.exchange(5, Stack::Nonempty), Ok(2));
        assert_eq!([1, 0].map(|_| depot.pop(Stack::Nonempty)), [Some(1), None]);
        assert_eq!([5, 3, 0].map(|_| depot.pop(Stack::Empty)), [Some(5), Some(3), None]);
        assert_eq!(depot.depot.cuts(), 0);
    });
}

#[test]
fn every_change_raises_the_tag() {
    with_depot(|depot| {
        assert_eq!(depot.tag(), 0);
        let empty = depot.pop(Stack::Empty).expect("there are three");
        assert_eq!(depot.tag(), 1);
        depot.push(empty, Stack::Nonempty);
        assert_eq!(depot.tag(), 2);
        assert_eq!(depot.exchange(1, Stack::Nonempty), Ok(empty));
        assert_eq!(depot.tag(), 3);
    });
}

/// Every bit of the word, and of the links: what comes off is a magazine of that stack, each once.
#[test]
fn a_stack_whose_top_cannot_be_so_is_cut_off() {
    for bit in 0..32 {
        with_depot(|depot| {
            depot.push(1, Stack::Nonempty);
            let word = depot.depot.tops.load(Ordering::Relaxed);
            depot.depot.tops.store(word ^ 1 << bit, Ordering::Relaxed);
            let mut seen = [false; 6];
            for stack in [Stack::Nonempty, Stack::Empty] {
                while let Some(number) = depot.pop(stack) {
                    assert!(!core::mem::replace(&mut seen[number as usize], true), "bit {bit}");
                    assert!((number == 1) == (stack == Stack::Nonempty), "bit {bit}");
                }
            }
            // A stack that is taken for empty, or for a part of itself, has nothing to cut.
            let again = [Stack::Nonempty, Stack::Empty].map(|stack| depot.pop(stack));
            assert_eq!(again, [None; 2], "bit {bit}");
            assert!(depot.depot.cuts() <= 1, "bit {bit}");
        });
    }
    for bit in 0..32 {
        for number in 3..=5 {
            with_depot(|depot| {
                let link = depot.magazines.link(number);
                depot.magazines.set_link(&magazine(number), link.flipped(bit));
                let mut seen = [false; 6];
                while let Some(number) = depot.pop(Stack::Empty) {
                    assert!(!core::mem::replace(&mut seen[number as usize], true), "bit {bit}");
                }
                assert!(depot.depot.cuts() <= 1, "bit {bit}");
            });
        }
    }
}

/// As if a fault had written the number of another depot's magazine over that on top.
#[test]
fn a_top_that_leads_to_another_depot_is_cut_off() {
    with_depot(|depot| {
        let numbers = [1, 2].map(magazine).into_iter();
        let other = Depot::new(1, depot.magazines, numbers);
        let word = depot.depot.tops.load(Ordering::Relaxed);
        depot.depot.tops.store(word & !0xffff | 2, Ordering::Relaxed);
        assert_eq!((depot.pop(Stack::Empty), depot.depot.cuts()), (None, 1));
        let pop = || other.pop::<Checked>(depot.magazines, Stack::Empty);
        let theirs = core::array::from_fn(|_| pop().map(Magazine::into_number));
        assert_eq!(theirs, [Some(2), Some(1), None]);
    });
}

/// What `proofs/depot.smt2` is about.
#[test]
fn facts_for_proofs() {
    use crate::page::facts::{constant, long, numbers, sample, word};
    use std::format;

    const FILE: &str = "depot";
    let constants = [
        ("NONEMPTY", Stack::Nonempty as u32),
        ("EMPTY", Stack::Empty as u32),
        ("TAG_BITS", TAG_BITS),
        ("DEPOT_MAX", DEPOT_MAX as u32),
        ("MAGAZINE_MAX", MAGAZINE_MAX as u32),
        ("MAGAZINE_SHIFT", MAGAZINE_MAX.next_power_of_two().trailing_zeros()),
        ("LOCATIONS", LOCATIONS as u32),
        ("ZONE", crate::page::ZONE),
    ];
    constants.iter().for_each(|&(name, value)| constant(FILE, name, value.into()));
    for number in numbers() {
        let (tops, top) = (Tops(number), number as u32 & DEPOT_MAX as u32);
        let t = long(number);
        sample(FILE, &format!("(retagged {t})"), &long(tops.retagged().0));
        for stack in [Stack::Nonempty, Stack::Empty] {
            let s = word(stack as u32);
            sample(FILE, &format!("(top {t} {s})"), &word(tops.top(stack)));
            let call = format!("(with-top {t} {s} {})", word(top));
            sample(FILE, &call, &long(tops.with(stack, top).0));
        }
    }
    let number_of = [Stack::Nonempty, Stack::Empty].map(Stack::kind);
    assert!(number_of.iter().all(|kind| [1, 2].contains(kind)), "as `is-kind` has it");
}
