//! Causes, packed and unpacked.

extern crate std;

use super::*;
use crate::inner::tests::build;
use crate::line::{Class, Sleeper};
use crate::mode::Checked;
use crate::pool::OnBadPage;

#[test]
fn a_packed_cause_is_the_same_unpacked() {
    for index in [0, 7, u32::MAX - 1] {
        let page = PageId::new(index);
        let faults =
            [Fault::OutOfRange, Fault::Shared { references: (1 << 23) - 1 }, Fault::Corrupt];
        let causes = faults.map(|fault| Cause::Of(page, fault));
        for cause in causes.into_iter().chain([Cause::Ignored(page), Cause::Nameless]) {
            assert_eq!(Cause::unpacked(cause.packed()), cause);
            let kind = match cause {
                Cause::Of(..) => 1,
                Cause::Ignored(_) => 2,
                Cause::Nameless => 3,
            };
            assert_eq!(cause.packed() >> KIND, kind, "never 0");
        }
    }
}

/// Of a call that has no error to return.
#[test]
fn faults_are_remembered_and_panicked_about_if_so_built() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    for panics in [false, true] {
        let pool = build::<Checked>(|builder| {
            builder.on_bad_page(if panics { OnBadPage::Panic } else { OnBadPage::Count })
        });
        let mut faults = Faults::default();
        let remember = |faults: &Faults| {
            let call = || pool.core.remember_in_slot(faults, 1, Call::FreeBulk);
            catch_unwind(AssertUnwindSafe(call)).is_err()
        };
        assert!(!remember(&faults) && !pool.is_tainted());
        faults.add(PageId::new(7), 3, Fault::Corrupt);
        assert_eq!((remember(&faults), pool.core.faults()), (panics, 1));
        let taint = pool.core.first_taint().expect("it is tainted");
        assert_eq!((taint.page, taint.call), (Some(PageId::new(7)), Some("free_bulk")));
        core::mem::forget(pool);
    }
}

const CAUSE: Cause = Cause::Of(PageId::new(7), Fault::Corrupt);

/// The first cause, and the call that it is told of.
fn first(alarm: &Alarm) -> Option<(Cause, Option<&'static str>)> {
    alarm.first().map(|(cause, call)| (cause, Call::name_of(call)))
}

#[test]
fn the_call_that_found_a_cause_names_itself_at_its_end() {
    let alarm = Alarm::new(false, None);
    assert!(!alarm.has_to_tell(Call::Alloc) && first(&alarm).is_none());
    alarm.note(CAUSE);
    alarm.note(Cause::Nameless);
    assert_eq!(first(&alarm), Some((CAUSE, None)));
    // Not another thread's, where threads can be told apart.
    let here = thread_key();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            if thread_key() != here {
                alarm.name(Call::Free);
                assert!(!alarm.has_to_tell(Call::Free));
            }
        });
    });
    assert_eq!(first(&alarm), Some((CAUSE, None)));
    alarm.name(Call::FreeBulk);
    alarm.name(Call::Drop);
    assert_eq!(first(&alarm), Some((CAUSE, Some("free_bulk"))));
    assert!(alarm.has_to_tell(Call::Alloc) && !alarm.has_to_tell(Call::Alloc));
    assert_eq!(first(&alarm), Some((CAUSE, Some("free_bulk"))));
}

#[test]
fn what_is_seen_to_is_no_longer_to_be_done() {
    let alarm = Alarm::new(true, None);
    alarm.panic_later(CAUSE);
    alarm.note_by(CAUSE, Call::Free);
    alarm.note_crossing();
    assert!(alarm.has_crossing());
    alarm.end_crossing();
    assert!(!alarm.has_crossing());
    assert_eq!((alarm.pending(), alarm.pending()), (Some(CAUSE), None));
    assert_eq!(alarm.todo.load(Ordering::Relaxed), TELL);
    assert!(alarm.has_to_tell(Call::Free));
    assert_eq!(alarm.todo.load(Ordering::Relaxed), 0);
}

/// Also while one task waits, whose number is that of what is to be told.
#[test]
fn the_end_of_any_call_names_it() {
    for quietly in [false, true] {
        let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(1));
        pool.core.alarm.note(CAUSE);
        {
            let spot = core::pin::pin!(pool.core.spot(Class::Ordinary, Sleeper::Task, 1));
            pool.core.come_to_wait(&spot);
            assert_eq!(pool.core.line.waiters(), u64::from(TELL));
            if quietly {
                pool.core.conclude_quietly(Call::Drop);
            } else {
                pool.core.conclude(Call::Drop);
            }
        }
        assert_eq!(first(&pool.core.alarm), Some((CAUSE, Some("drop"))));
        core::mem::forget(pool);
    }
}
