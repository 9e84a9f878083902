//! Causes, packed and unpacked.

use super::*;

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
