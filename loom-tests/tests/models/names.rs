//! The name of a slot, by itself.

use loom_tests::{every_mode, race};
use pagesheaf::models::SlotName;

every_mode! {
    /// Whoever reads a name while it changes finds one that was written, whole, or none; not one's start with
    /// another's length.
    any, Exhaustive, at least 100;
    fn a_name_is_read_whole<M: Mode>() {
        /// All names lie in it, so that one that is torn can be read.
        const TEXT: &str = "receive_send";
        let names = [&TEXT[..7], &TEXT[8..]];
        let (name, mut writer) = SlotName::new();
        writer.set(Some(names[0]));
        let ((), read) = race(move || writer.set(Some(names[1])), || name.get());
        assert!(read.is_none_or(|read| names.contains(&read)), "{read:?}");
        assert_eq!(name.get(), Some(names[1]));
    }
}
