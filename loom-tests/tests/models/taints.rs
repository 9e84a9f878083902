//! What tainted a pool first, by itself.

use std::sync::Arc;

use loom_tests::{every_mode, race};
use pagesheaf::models::Taints;

every_mode! {
    /// Of two calls that find something at once, one is the first, and the taint is wholly its own. One of them tells
    /// of it, once, and knows what it tells.
    any, Composite, at least 300;
    fn a_taint_is_one_calls_and_is_told_once<M: Mode>() {
        /// The page that a party finds.
        fn page(party: usize) -> u32 {
            7 + party as u32
        }
        let taints = Arc::new(Taints::default());
        let party = |taints: &Taints, party: usize| {
            taints.find(party, page(party));
            let tells = taints.has_to_tell(party);
            if let Some((first, found)) = taints.first() {
                assert_eq!(found, page(first), "the page is that of the call");
            } else {
                assert!(!tells, "there is something to tell");
            }
            usize::from(tells)
        };
        let other = Arc::clone(&taints);
        let (a, b) = race(move || party(&other, 1), || party(&taints, 0));
        let later = usize::from(taints.has_to_tell(0));
        assert_eq!(a + b + later, 1, "it is told once");
        assert!(taints.first().is_some());
    }
}

every_mode! {
    /// Who tells of what another call has found, and left to it, knows what it tells.
    any, Exhaustive, at least 5;
    fn who_tells_of_anothers_taint_knows_it<M: Mode>() {
        let taints = Arc::new(Taints::default());
        let other = Arc::clone(&taints);
        let tell = |taints: &Taints| {
            let tells = taints.has_to_tell(1);
            assert!(!tells || taints.first() == Some((0, 7)), "there is something to tell");
            usize::from(tells)
        };
        let ((), told) = race(move || other.find(0, 7), || tell(&taints));
        assert_eq!(told + tell(&taints), 1, "it is told once");
    }
}
