//! Deliberate defects, by name: of runs that show that tests can fail.

use std::env::var;
use std::string::String;
use std::sync::OnceLock;

/// Whether this is a run with this defect: `cargo xtask loom --defects`, or `cargo xtask shuttle --defects`.
pub(crate) fn has_defect(name: &str) -> bool {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| var("PAGESHEAF_DEFECT").ok()).as_deref() == Some(name)
}
