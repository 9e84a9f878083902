//! What one who looks at a magazine sees of it.

extern crate std;

use std::vec::Vec;

use super::*;
use crate::metadata::tests::with_block;
use crate::mode::{Bare, Checked, Mode};

/// Magazines of 5 ids, which have 8 locations each.
const COUNT: usize = 3;
const CAPACITY: usize = 5;

/// Lends magazines of which the second holds pages 70, 71, 72 and the third page 90.
fn with_magazines(f: impl FnOnce(&Magazines)) {
    let mut layout = MetadataLayout::starting_with::<()>();
    let spans = MagazineLayout::new(&mut layout, COUNT, CAPACITY).expect("fits");
    with_block(layout, |mut block| {
        let magazines = Magazines::new(&mut block, spans);
        for (number, ids) in [(2, 70..73), (3, 90..91)] {
            let mut open = open::<Checked>(&magazines, number);
            for id in ids.map(PageId::new) {
                let mut magazine = open.as_mut();
                let mut room = magazine.room(1);
                room.entries()[0].store(id.index(), Ordering::Relaxed);
                // SAFETY: the entry was just written, and these pages are nobody's.
                unsafe { room.commit::<Checked>(1) };
            }
        }
        f(&magazines);
    });
}

/// Opens a magazine, which nobody else uses meanwhile.
fn open<M: Mode>(magazines: &Magazines, number: u32) -> loaded::OpenMagazine<'_> {
    // SAFETY: these tests have one value for a magazine at a time.
    magazines.open::<M>(unsafe { Magazine::from_number(number) })
}

/// Takes the last ids.
fn pop<M: Mode, const N: usize>(open: &mut loaded::OpenMagazine<'_>) -> [u32; N] {
    let mut out = [const { core::mem::MaybeUninit::uninit() }; N];
    open.as_mut().last(N).pop::<M>(&mut out);
    // SAFETY: `pop` wrote them.
    out.map(|id| unsafe { id.assume_init() }.index())
}

#[test]
fn magazines_say_what_they_hold() {
    with_magazines(|magazines| {
        assert_eq!(magazines.capacity(), CAPACITY);
        assert_eq!((magazines.start(1), magazines.start(2), magazines.start(3)), (8, 16, 24));
        assert_eq!([1, 2, 3].map(|magazine| magazines.len(magazine)), [0, 3, 1]);
        assert_eq!(magazines.total(), 4);
        assert_eq!(magazines.locations().collect::<Vec<_>>(), [16, 17, 18, 24]);
        assert_eq!([16, 18, 24].map(|location| magazines.get(location).index()), [70, 72, 90]);
    });
}

#[test]
fn a_place_holds_a_page_below_its_magazines_end_only() {
    with_magazines(|magazines| {
        assert!(magazines.holds(16, PageId::new(70)) && magazines.holds(18, PageId::new(72)));
        assert!(!magazines.holds(16, PageId::new(71)) && !magazines.holds(17, PageId::new(70)));
        assert_eq!(pop::<Checked, 1>(&mut open::<Checked>(magazines, 2)), [72]);
        // The slot still has the id, which has left.
        assert_eq!(magazines.get(18).index(), 72);
        assert!(!magazines.holds(18, PageId::new(72)) && magazines.holds(17, PageId::new(71)));
        assert!(!magazines.holds(31, PageId::new(u32::MAX)));
        let may = |location, id| {
            let id = PageId::new(id);
            let alone = magazines.may_hold::<true>(location, id);
            assert_eq!(alone, magazines.may_hold::<false>(location, id), "{location}");
            alone
        };
        assert_eq!((may(17, 71), may(17, 70), may(18, 72)), (Some(true), Some(false), Some(false)));
        assert_eq!((may(31, 0), may(32, 0), may(1 << 28, 0)), (Some(false), None, None));
        // Where there is no entry, something else must be looked at.
        assert_eq!((may(ZONE, 0), may(ZONE, 70)), (Some(true), Some(true)));
        // No magazine has these locations.
        assert!(!magazines.holds(32, PageId::new(0)) && !magazines.holds(u32::MAX, PageId::new(0)));
    });
}

#[test]
fn a_look_reaches_to_where_what_it_sees_ends() {
    let ids = |slots: &[Atomic<u32>]| {
        slots.iter().map(|slot| slot.load(Ordering::Relaxed)).collect::<Vec<_>>()
    };
    with_magazines(|magazines| {
        let none = [(32, &[][..]), (ZONE, &[])];
        let some = [(16, &[70, 71, 72][..]), (18, &[72]), (24, &[90])];
        for (location, held) in some.into_iter().chain(none) {
            match magazines.lookup().entries_from(location) {
                EntriesFrom::Filled(slots) => assert_eq!(ids(slots), held),
                EntriesFrom::Vacant(_) => panic!("{location} is below the end"),
            }
        }
        for (location, vacant) in [(8, 8), (15, 1), (19, 5), (23, 1), (25, 7)] {
            match magazines.lookup().entries_from(location) {
                EntriesFrom::Vacant(slots) => assert_eq!(slots.len(), vacant),
                EntriesFrom::Filled(_) => panic!("{location} is not below the end"),
            }
        }
    });
}

/// Where nobody looks, the head of a magazine says nothing while it is loaded, and all when it is closed.
#[test]
fn a_loaded_magazine_that_nobody_watches_has_its_length() {
    if Bare::CHECKS {
        return;
    }
    with_magazines(|magazines| {
        let mut open = open::<Bare>(magazines, 2);
        assert_eq!((open.as_mut().len(), magazines.len(2), magazines.total()), (3, 0, 1));
        open.as_mut().room(2).push_unchecked(&[80, 81].map(PageId::new));
        assert_eq!((open.as_mut().len(), magazines.len(2), magazines.total()), (5, 0, 1));
        assert_eq!(open.as_mut().remaining(), 0);
        assert_eq!(pop::<Bare, 2>(&mut open), [80, 81]);
        assert_eq!((open.as_mut().len(), magazines.len(2)), (3, 0));
        // It may be exchanged for itself.
        assert!(!open.as_mut().exchange::<Bare>(magazines, |same, _| Err(same)));
        assert_eq!((open.as_mut().len(), magazines.len(2)), (3, 0));
        let (magazine, len) = open.close::<Bare>(magazines);
        assert_eq!((magazine.number(), len, magazines.len(2), magazines.total()), (2, 3, 3, 4));
    });
}

/// Pages may come back to entries that have their numbers still, all or only the first of them.
#[test]
fn ids_are_where_they_were_put_whatever_was_there_before() {
    with_magazines(|magazines| {
        let mut open = open::<Bare>(magazines, 1);
        for given in [[1, 2, 3, 4, 5], [1, 2, 3, 4, 5], [1, 2, 3, 4, 6], [7, 2, 3, 4, 6]] {
            open.as_mut().room(CAPACITY).push_unchecked(&given.map(PageId::new));
            assert_eq!(pop::<Bare, CAPACITY>(&mut open), given);
        }
    });
}

#[test]
fn entries_and_room_are_as_many_as_there_are() {
    with_magazines(|magazines| {
        let (mut two, mut three) = (open::<Checked>(magazines, 2), open::<Checked>(magazines, 3));
        assert_eq!((two.as_mut().last(9).count(), two.as_mut().last(2).location()), (3, 17));
        assert_eq!((two.as_mut().room(9).count(), two.as_mut().room(9).location()), (2, 19));
        two.as_mut().swap(&mut three.as_mut());
        assert_eq!((two.as_mut().number(), two.as_mut().len()), (3, 1));
        assert_eq!((three.as_mut().number(), three.as_mut().len()), (2, 3));
        assert!(three.as_mut().ids_are_below(73) && !three.as_mut().ids_are_below(72));
        let mut magazine = three.as_mut();
        let ids = magazine.take_ids::<Checked>().map(|(at, id)| (at, id.index()));
        assert!(ids.eq([(16, 70), (17, 71), (18, 72)]));
        assert_eq!((magazine.len(), magazines.len(2), magazines.total()), (0, 0, 1));
    });
}

#[test]
fn every_stack_and_queue_has_a_mark_of_its_own() {
    let depots = (0..Link::DEPOTS as u32).map(Link::depot_bits);
    let stacks = depots.flat_map(|depot| [1, 2].map(|kind| Link::mark_of(kind, depot)));
    let queues = (0..Link::DEPOTS as u32 - 1).map(Link::fenced_bits);
    let mut all: Vec<_> = stacks.chain(queues).chain([Link::NONE.0, Link::IN_SLOT.0]).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), count), (count, 3 * Link::DEPOTS + 1));
}

/// What `proofs/depot.smt2` is about.
#[test]
fn facts_for_proofs() {
    use crate::page::facts::{constant, numbers, sample, word};
    use std::format;

    const FILE: &str = "depot";
    let constants = [("MARK", Link::MARK), ("NONE", Link::NONE.0), ("IN_SLOT", Link::IN_SLOT.0)];
    constants.iter().for_each(|&(name, value)| constant(FILE, name, value.into()));
    constant(FILE, "DEPOTS", Link::DEPOTS as u64);
    for depot in 0..Link::DEPOTS as u32 {
        let bits = Link::depot_bits(depot);
        sample(FILE, &format!("(depot-bits {})", word(depot)), &word(bits));
        for kind in [1, 2] {
            let call = format!("(mark-of {} {})", word(kind), word(bits));
            sample(FILE, &call, &word(Link::mark_of(kind, bits)));
        }
        if depot + 1 < Link::DEPOTS as u32 {
            let call = format!("(fenced-bits {})", word(depot));
            sample(FILE, &call, &word(Link::fenced_bits(depot)));
        }
    }
    for number in numbers() {
        let link = Link(number as u32);
        let l = word(link.0);
        sample(FILE, &format!("(mark {l})"), &word(link.mark()));
        sample(FILE, &format!("(below {l})"), &word(link.below()));
        sample(FILE, &format!("(len {l})"), &word(link.off_stack().len()));
        let (len, below) = (number as u32 % 257, (number >> 32) as u32);
        let made = Link::new(link.mark(), len, below);
        let call = format!("(link {} {} {})", word(link.mark()), word(len), word(below));
        sample(FILE, &call, &word(made.0));
    }
}
