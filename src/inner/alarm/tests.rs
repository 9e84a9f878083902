//! Causes, packed and unpacked.

extern crate std;

use super::*;
use crate::inner::tests::build;
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
