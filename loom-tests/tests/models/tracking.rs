//! What is known of a page, by itself.

use std::sync::Arc;

use loom_tests::{every_mode, race};
use pagesheaf::models::PageRecord;

every_mode! {
    /// Whoever looks at a page while it is freed and allocated again finds one allocation, whole, or that it is
    /// changing; and, once it is seen to be out again, not the one before.
    any, Exhaustive, at least 100;
    fn what_is_known_of_a_page_is_of_one_allocation<M: Mode>() {
        let page = Arc::new(PageRecord::default());
        page.allocated(1);
        let other = Arc::clone(&page);
        let again = move || {
            other.freed();
            other.allocated(2);
        };
        let ((), looked) = race(again, || page.look());
        match looked {
            // Free, or changing.
            None | Some((_, None)) => {}
            Some((1, Some(by))) => assert!(by == 1 || by == 2, "{by}"),
            Some((events, Some(by))) => assert_eq!((events, by), (3, 2)),
        }
        assert_eq!(page.look(), Some((3, Some(2))));
    }
}
