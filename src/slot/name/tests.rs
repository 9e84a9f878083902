//! A name is read whole, or not at all.

use super::*;

#[test]
fn a_name_that_is_just_changing_is_not_read() {
    let name = Name::new();
    assert_eq!((name.look(), name.version()), (Some(None), 0));
    name.set(Some("rx"));
    assert_eq!((name.look(), name.version()), (Some(Some("rx")), 2));
    // As in the middle of a change.
    name.version.store(3, Ordering::Relaxed);
    assert_eq!((name.look(), name.get()), (None, None));
    name.version.store(4, Ordering::Relaxed);
    assert_eq!(name.get(), Some("rx"));
    name.set(None);
    assert_eq!((name.look(), name.version()), (Some(None), 6));
}

#[test]
fn a_name_is_that_of_its_version_only() {
    let name = Name::new();
    name.set(Some("rx"));
    assert_eq!(name.get_version(2), Some("rx"));
    name.set(Some("tx"));
    assert_eq!((name.get_version(2), name.get_version(4)), (None, Some("tx")));
}
