//! A pool in a static: one call builds it, and whoever finds it finds the whole of it.

use std::sync::Arc;

use loom_tests::{Cell, every_mode, race, race3};
use pagesheaf::{BuildError, InitError, Mode, Pool, ShortReason, StaticPool};

use crate::common::{is_whole, pool};

/// A static, and what nothing protects but the turn to build its pool.
struct Scene<M: Mode> {
    of: StaticPool<M>,
    built: Cell,
}

impl<M: Mode> Scene<M> {
    fn new() -> Arc<Self> {
        Arc::new(Scene { of: StaticPool::new(), built: Cell::default() })
    }

    /// Builds the pool as `how` says. Nobody else does at that moment, and it finds what the last
    /// one left.
    fn init(&self, how: impl FnOnce() -> Result<Pool<M>, BuildError>) -> Option<InitError> {
        let build = || {
            self.built.bump();
            how()
        };
        self.of.init_with(build).err()
    }
}

every_mode! {
    /// Two that build the pool, and one that wants a page of it: one of the two builds it, and who
    /// finds a pool finds all of it.
    any, Exhaustive, at least 400;
    fn two_inits_and_a_reader_have_one_whole_pool<M: Mode>() {
        let scene = Scene::<M>::new();
        let (first, second) = (Arc::clone(&scene), Arc::clone(&scene));
        let build = || Ok(pool::<M>(1, 1, 0, 1));
        let (first, second, ()) = race3(
            move || first.init(build),
            move || second.init(build),
            || match scene.of.alloc() {
                Ok(mut page) => page.fill(1),
                Err(reason) => assert_eq!(reason, ShortReason::NotBuilt),
            },
        );
        let told = |one: &Option<InitError>| {
            matches!(one, Some(InitError::Building | InitError::Built))
        };
        assert!(first.is_none() && told(&second) || told(&first) && second.is_none());
        assert_eq!(scene.built.get(), 1);
        is_whole(scene.of.get().expect("one has built it"));
    }
}

every_mode! {
    /// A call that fails against one that does not: who is told that another builds can try again
    /// when that has failed, and finds what was to be built of as that has left it.
    any, Exhaustive, at least 8;
    fn an_init_that_fails_leaves_its_turn_to_the_next<M: Mode>() {
        let scene = Scene::<M>::new();
        let other = Arc::clone(&scene);
        let build = || Ok(pool::<M>(1, 1, 0, 1));
        let (failed, built) = race(
            move || other.init(|| Err(BuildError::NoPages)),
            || scene.init(build),
        );
        match (failed, built) {
            (Some(InitError::Failed(_)), Some(InitError::Building)) => {
                assert!(scene.of.get().is_err());
                assert_eq!(scene.init(build), None);
                assert_eq!(scene.built.get(), 2);
            }
            (Some(InitError::Failed(_)), None) => assert_eq!(scene.built.get(), 2),
            (Some(InitError::Building | InitError::Built), None) => {
                assert_eq!(scene.built.get(), 1);
            }
            other => panic!("{other:?}"),
        }
        is_whole(scene.of.get().expect("it is built"));
    }
}
