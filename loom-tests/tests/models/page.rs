//! The word of a page, by itself.

use std::sync::Arc;

use loom_tests::{Cell, every_mode, race, race3};
use pagesheaf::models::Word;
use pagesheaf::{Fault, Order};

/// Three parties run the same code over shared state, numbered.
fn three<S: Send + Sync + 'static, R: Send + 'static>(
    state: S,
    party: fn(&S, usize) -> R,
) -> (Arc<S>, [R; 3]) {
    let state = Arc::new(state);
    let (first, second) = (Arc::clone(&state), Arc::clone(&state));
    let (a, b, c) = race3(move || party(&first, 0), move || party(&second, 1), || party(&state, 2));
    (state, [a, b, c])
}

/// Anywhere but where the page was.
const ELSEWHERE: u32 = 100;

fn nowhere(_location: u32) -> bool {
    false
}

every_mode! {
    /// Of three holders exactly one is the last; it sees what the others wrote, and may free the
    /// page.
    refcounted, Composite, at least 300;
    fn the_last_release_publishes_writes_and_frees_once<M: Refcounted>() {
        let word = Word::out::<M>();
        word.retain::<M>(2).expect("few references");
        let written: [Cell; 3] = Default::default();
        let (_, last) = three((word, written), |(word, written), at| {
            written[at].bump();
            let last = word.release::<M>();
            if last {
                written.iter().for_each(Cell::bump);
                word.try_free::<M>(ELSEWHERE, nowhere).expect("the sole owner frees");
            }
            last
        });
        assert_eq!(last.into_iter().filter(|last| *last).count(), 1);
    }
}

every_mode! {
    /// A reference made from one that is held counts, whatever others release meanwhile.
    refcounted, Exhaustive, at least 400;
    fn a_retain_against_a_release_is_counted<M: Refcounted>() {
        let word = Arc::new((Word::out::<M>(), Cell::default()));
        word.0.retain::<M>(1).expect("few references");
        let other = Arc::clone(&word);
        let release = |(word, owned): &(Word, Cell)| {
            let last = word.release::<M>();
            if last {
                owned.bump();
            }
            usize::from(last)
        };
        let (a, b) = race(move || release(&other), || {
            word.0.retain::<M>(1).expect("few references");
            release(&word) + release(&word)
        });
        assert_eq!(a + b, 1, "somebody is the last");
        word.0.try_free::<M>(ELSEWHERE, nowhere).expect("nobody holds it");
    }
}

every_mode! {
    /// Many references that are made and given up in one step each are counted, whatever others make and release
    /// meanwhile; the last to go frees the page, once, and sees what the others wrote.
    refcounted, Composite, at least 30;
    fn many_references_against_releases_are_counted<M: Refcounted>() {
        let word = Word::out::<M>();
        word.retain::<M>(2).expect("few references");
        let written: [Cell; 3] = Default::default();
        let (_, last) = three((word, written), |(word, written), at| {
            if at == 0 {
                word.retain::<M>(3).expect("few references");
                let early = word.release::<M>();
                assert!(!early, "three are left");
            }
            written[at].bump();
            let last = if at == 0 { word.release_many::<M>(3) } else { word.release::<M>() };
            if last {
                written.iter().for_each(Cell::bump);
                word.try_free::<M>(ELSEWHERE, nowhere).expect("the sole owner frees");
            }
            last
        });
        assert_eq!(last.into_iter().filter(|last| *last).count(), 1);
    }
}

every_mode! {
    /// A holder who frees the page and finds one reference sees what the other wrote before it let
    /// go.
    refcounted, Exhaustive, at least 4;
    fn a_free_that_finds_one_reference_sees_what_the_others_wrote<M: Refcounted>() {
        let page = Arc::new((Word::out::<M>(), Cell::default()));
        page.0.retain::<M>(1).expect("few references");
        let other = Arc::clone(&page);
        let (last, freed) = race(
            move || {
                other.1.bump();
                other.0.release::<M>()
            },
            || {
                let freed = page.0.try_free::<M>(ELSEWHERE, nowhere);
                if freed.is_ok() {
                    page.1.bump();
                }
                freed
            },
        );
        assert!(!last, "the other one keeps its reference");
        assert!(matches!(freed, Ok(()) | Err(Fault::Shared { references: 2 })));
    }
}

every_mode! {
    /// A page is retained and released to one reference while another holder frees it: the free is
    /// refused, or sees what was done through all references that are gone.
    refcounted, Exhaustive, at least 20;
    fn a_page_is_retained_released_to_one_and_freed<M: Refcounted>() {
        let page = Arc::new((Word::out::<M>(), Cell::default()));
        page.0.retain::<M>(1).expect("few references");
        let other = Arc::clone(&page);
        let (last, freed) = race(
            move || {
                other.0.retain::<M>(1).expect("few references");
                other.1.bump();
                [other.0.release::<M>(), other.0.release::<M>()]
            },
            || {
                let freed = page.0.try_free::<M>(ELSEWHERE, nowhere);
                if freed.is_ok() {
                    page.1.bump();
                }
                freed
            },
        );
        assert_eq!(last, [false; 2], "the other one keeps its reference");
        assert!(matches!(freed, Ok(()) | Err(Fault::Shared { references: 2 | 3 })));
    }
}

every_mode! {
    /// Two who have one reference between them, and both make another at the same time, are both
    /// counted.
    refcounted, Composite, at least 20;
    fn first_references_made_at_once_are_counted<M: Refcounted>() {
        let word = Arc::new(Word::out::<M>());
        let other = Arc::clone(&word);
        let make_one = |word: &Word| {
            word.retain::<M>(1).expect("few references");
            let early = word.try_free::<M>(ELSEWHERE, nowhere);
            assert!(matches!(early, Err(Fault::Shared { references: 2 | 3 })), "{early:?}");
            word.release::<M>()
        };
        let (a, b) = race(move || make_one(&other), || make_one(&word));
        assert!(!a && !b && word.release::<M>(), "the first reference is the last");
        word.try_free::<M>(ELSEWHERE, nowhere).expect("nobody holds it");
    }
}

every_mode! {
    /// A retain that races a free of the same reference does not undo it: a second free is refused.
    claiming, Exhaustive, at least 20;
    fn a_free_that_races_a_retain_is_not_undone<M: Mode>() {
        let word = Arc::new(Word::out::<M>());
        let other = Arc::clone(&word);
        let (a, b) = race(move || other.try_free::<M>(ELSEWHERE, nowhere), || {
            word.retain::<M>(1).expect("few references");
            assert!(!word.release::<M>(), "there was another one");
            word.try_free::<M>(ELSEWHERE + 1, nowhere)
        });
        assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    }
}

every_mode! {
    /// Of three frees that race, one wins and each other one is told.
    claiming, Exhaustive, at least 4_000;
    fn a_racing_double_free_is_reported_exactly_once<M: Mode>() {
        let (_, freed) = three(Word::out::<M>(), |word, at| {
            word.try_free::<M>(ELSEWHERE + at as u32, nowhere)
        });
        assert_eq!(freed.iter().filter(|freed| freed.is_ok()).count(), 1);
        assert!(freed.into_iter().all(|freed| matches!(freed, Ok(()) | Err(Fault::AlreadyFree))));
    }
}

every_mode! {
    /// A page that is found at one location twice leaves it once.
    claiming, Exhaustive, at least 2;
    fn a_page_leaves_its_location_once<M: Mode>() {
        let word = Arc::new(Word::new());
        word.rest(ELSEWHERE);
        let other = Arc::clone(&word);
        let (a, b) = race(move || other.claim(ELSEWHERE), || word.claim(ELSEWHERE));
        assert!(a != b);
    }
}

every_mode! {
    /// A second free that comes while the page is handed out again: it or the new owner's free is
    /// refused, not both and not neither.
    claiming, Exhaustive, at least 30;
    fn a_stale_free_and_the_new_owners_are_told_apart_or_one_is_refused<M: Mode>() {
        let location = ELSEWHERE;
        let word = Arc::new(Word::new());
        word.rest(location);
        let stale = Arc::clone(&word);
        let (a, b) = race(move || stale.try_free::<M>(location + 1, nowhere), || {
            assert!(word.claim(location), "a page leaves where it was");
            word.try_free::<M>(location + 2, nowhere)
        });
        assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
    }
}

every_mode! {
    /// A lent page is reclaimed by one of those who try, who sees what was done before it was lent.
    checking, Exhaustive, at least 500;
    fn a_lent_page_is_reclaimed_once<M: Mode>() {
        let (_, reclaimed) = three((Word::out::<M>(), Cell::default()), |(word, owned), at| {
            if at == 0 {
                owned.bump();
                word.lend::<M>().expect("owned");
                return false;
            }
            let reclaimed = word.reclaim::<M>();
            match reclaimed {
                Ok(()) => owned.bump(),
                Err(fault) => assert_eq!(fault, Fault::NotLent),
            }
            reclaimed.is_ok()
        });
        assert!(reclaimed.into_iter().filter(|reclaimed| *reclaimed).count() <= 1);
    }
}

every_mode! {
    /// Of three frees of a block that race, one wins and each other one is told.
    any, Exhaustive, at least 40;
    fn a_block_is_freed_once<M: Mode>() {
        let order = Order::new(1).expect("a small order");
        let word = Word::out::<M>();
        word.head_block(order);
        let (_, freed) = three((word, order), |(word, order), _| word.try_free_block(*order));
        assert_eq!(freed.iter().filter(|freed| freed.is_ok()).count(), 1);
        assert!(freed.into_iter().all(|freed| matches!(freed, Ok(()) | Err(Fault::NotABlock))));
    }
}
