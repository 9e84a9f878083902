//! What is found of a flipped bit: by an audit, by whoever comes upon it.

use std::vec::Vec;

use crate::mode::{Checked, Compact, Hardened, Policy, Refcounted};
use crate::models::corrupt::Table::{self, Bitmap, Counts, Heads, Words};
use crate::models::corrupt::{Passes, Sharing, World};
use crate::page::{Kind, Mark, Order, PageId};

/// What an audit says after one flip of a table that is in one part: how many pages are misplaced, and how
/// many corrupt.
fn found<M: Sharing>(world: &mut World<M>, table: Table, bit: usize) -> [u64; 2] {
    let part = world.parts().into_iter().find(|part| part.0 == table).expect("there is one");
    world.flip(&part, bit, Passes::default());
    let audit = world.pool().audit();
    world.flip(&part, bit, Passes::default());
    [audit.misplaced, audit.corrupt].map(|found| found.expect("the mode checks"))
}

/// As `found`, of a bit of a page's word. (On a machine whose low byte comes first.)
fn found_in_word<M: Refcounted>(world: &mut World<M>, id: PageId, bit: usize) -> [u64; 2] {
    found(world, Words, 32 * id.index() as usize + bit)
}

/// Where the parts of a word start.
const ORDER: usize = 25;
const SHARED: usize = 28;
const KIND: usize = 29;
/// The highest bit of a location.
const FAR: usize = ORDER - 1;

fn an_audit_finds_words_that_cannot_be<M: Refcounted>() {
    let mut world = World::<M>::new(150, false, false);
    assert_eq!([world.pool().audit().misplaced, world.pool().audit().corrupt], [Some(0); 2]);
    let pages = || (0..150).map(PageId::new);
    let core = world.core();
    let in_zone = pages().find(|&id| core.zone.holds(id)).expect("a page");
    let cached = core.magazines.get(core.magazines.locations().next().expect("a page"));
    let kind = |wanted| pages().find(|&id| core.word(id).load().kind() == Some(wanted));
    let (lent, head, tail) = (kind(Kind::Lent), kind(Kind::Block), kind(Kind::Tail));
    let [lent, head, tail] = [lent, head, tail].map(|id| id.expect("a page"));
    let out = *world.out.first().expect("pages are out");
    let is_shared = |id: &PageId| core.word(*id).load().is_shared();
    let shared = pages().find(is_shared).expect("a page");
    for bit in 0..32 {
        for id in [in_zone, cached] {
            let found = found_in_word(&mut world, id, bit);
            assert_eq!(found, [1, 0], "{id}, bit {bit}");
        }
    }
    for (id, bits) in [
        (out, &[FAR, ORDER, ORDER + 2, KIND + 1][..]),
        (lent, &[FAR, ORDER, ORDER + 2, SHARED, KIND]),
        (tail, &[0, FAR, ORDER, ORDER + 2, SHARED, KIND + 1, KIND + 2]),
        // Of the first of four, the others are without their block.
        (head, &[0, SHARED, KIND + 2]),
    ] {
        for &bit in bits {
            let [misplaced, corrupt] = found_in_word(&mut world, id, bit);
            assert!(misplaced == 0 && corrupt > 0, "{id}, bit {bit}: {corrupt}");
        }
    }
    // A page that was shared, another place of the magazine: these can be.
    for bit in [SHARED, 2] {
        assert_eq!(found_in_word(&mut world, out, bit), [0, 0], "bit {bit}");
    }
    // Of a page that is shared too few references, and too many; another one can be.
    for (bit, corrupt) in [(1, 1), (31, 1), (0, 0)] {
        let found = found(&mut world, Counts, 32 * shared.index() as usize + bit);
        assert_eq!(found, [0, corrupt], "bit {bit}");
        // Nobody looks at the count of a page that is not.
        assert_eq!(self::found(&mut world, Counts, 32 * out.index() as usize + bit), [0, 0]);
    }
    // A page of the zone that is gone from there, and one that is out and seems to be there.
    let mut bit_of = |id: PageId| found(&mut world, Bitmap, id.index() as usize);
    assert_eq!(bit_of(in_zone), [0, M::CLAIMS.into()]);
    assert_eq!(bit_of(out), [1, 0]);
    world.end();
}

#[test]
#[cfg_attr(target_endian = "big", ignore = "bits are numbered from the low byte on")]
fn an_audit_finds_words_that_cannot_be_in_any_state() {
    an_audit_finds_words_that_cannot_be::<Checked>();
    an_audit_finds_words_that_cannot_be::<Hardened>();
}

/// A page's byte is never another legal one after a flip.
#[test]
fn an_audit_finds_each_flipped_bit_of_a_byte() {
    let mut world = World::<Compact>::new(150, false, false);
    let pages = || (0..150).map(PageId::new);
    let core = world.core();
    let cached = core.magazines.get(core.magazines.locations().next().expect("a page"));
    let in_zone = pages().find(|&id| core.zone.holds(id)).expect("a page");
    let marked = |mark| pages().find(|&id| core.marks[id.index() as usize].is(mark));
    let order = Order::new(2).expect("legal");
    let others = [Mark::Out, Mark::Lent, Mark::Block(order), Mark::Tail(order)];
    let others = others.map(|mark| marked(mark).expect("a page"));
    let mut found_in = |id: PageId, bit| found(&mut world, Words, 8 * id.index() as usize + bit);
    for bit in 0..8 {
        assert_eq!([in_zone, cached].map(|id| found_in(id, bit)), [[1, 0]; 2], "bit {bit}");
        for id in others {
            let [misplaced, corrupt] = found_in(id, bit);
            assert!(misplaced == 0 && corrupt > 0, "{id}, bit {bit}: {corrupt}");
        }
    }
    world.end();
}

/// Flips the length of a magazine of the depot to another, and drains: how many pages were there, how many
/// bad ones there are then, and how many faults.
fn cut_short<M: Sharing>() -> (u64, u64, u64) {
    let mut world = World::<M>::new(150, false, false);
    let lengths = |world: &World<M>| {
        let magazines = &world.core().magazines;
        (1..magazines.count()).map(|it| u64::from(magazines.len(it))).collect::<Vec<_>>()
    };
    let before = lengths(&world);
    for part in world.parts().into_iter().filter(|part| part.0 == Heads) {
        for bit in 0..64 {
            world.flip(&part, bit, Passes::default());
            let after = lengths(&world);
            let cut =
                before.iter().zip(&after).find(|(before, after)| **before == 8 && **after == 0);
            if let Some((&had, _)) = cut {
                world.call(9, 0);
                let (bad, faults) = (world.pool().audit().pages.bad, world.core().faults());
                world.end();
                return (had, bad, faults);
            }
            world.flip(&part, bit, Passes::default());
        }
    }
    unreachable!("a full magazine is in the depot");
}

#[test]
fn a_length_that_was_cut_short_is_counted_or_made_good() {
    assert_eq!(cut_short::<Checked>(), (8, 8, 8));
    assert_eq!(cut_short::<Compact>(), (8, 8, 8));
    // Pages that are out are marked: those that are not lie there.
    assert_eq!(cut_short::<Hardened>(), (8, 0, 1));
}

#[test]
fn a_bit_of_the_zone_that_is_no_pages_is_counted() {
    let mut world = World::<Checked>::new(150, false, false);
    let part = world.parts().into_iter().find(|part| part.0 == Bitmap).expect("there is one");
    world.flip(&part, 170, Passes { doubled: false, uncounted: true });
    world.call(2, 200);
    assert!(world.pool().is_tainted());
    assert_eq!(world.core().faults(), 1);
    world.end();
}

#[test]
fn a_page_of_a_block_whose_word_lies_is_withheld() {
    let mut world = World::<Checked>::new(150, false, false);
    let tail = |id: &PageId| world.core().word(*id).load().kind() == Some(Kind::Tail);
    let id = (0..150).map(PageId::new).find(tail).expect("a block");
    world.core().word(id).rest(3);
    let before = world.pool().audit().pages;
    world.call(5, 0);
    let after = world.pool().audit().pages;
    assert_eq!((after.free - before.free, before.out - after.out, after.bad), (3, 4, 1));
    assert!(world.pool().bad_pages().map(|bad| bad.page).eq([id]));
    world.end();
}
