//! The public names that everything else builds on, and what else is promised of the crate's files.

use std::alloc::Layout;
use std::mem::MaybeUninit;

use crate::common::*;

/// The names that are gone: nothing is kept as an alias.
const GONE: [&str; 12] = [
    "Bulk",
    "Short",
    "AllocError",
    "FreeError",
    "Leaked",
    "Modes",
    "adopt",
    "room",
    "fill",
    "colour",
    "caches",
    "free_bulk_elevated",
];

/// Each name is used as what it is; a name that changes does not compile.
#[test]
fn public_names_are_those_of_the_contract() {
    let builder = Pool::builder(16).page_size(256).mode::<Checked>();
    let builder = builder.max_caches(1).magazine_capacity(4).cache_color(1);
    let _: Result<Layout, BuildError> = builder.metadata_layout();
    let pool = build::<Checked>(16, |builder| builder);
    let mut batch: PageBatch<Checked, 4> = PageBatch::empty();
    assert_eq!(batch.remaining_capacity(), 4);
    let BulkAlloc { allocated, reason, .. } = pool.alloc_bulk(&mut batch, 5);
    assert_eq!((allocated, reason), (4, Some(ShortReason::BatchFull)));
    let ExactError { want, had, reason, .. } =
        pool.alloc_bulk_exact(&mut batch, 1).expect_err("no room");
    assert_eq!((want, had, reason), (1, 0, ShortReason::BatchFull));
    let mut vacant: [Option<Page<Checked>>; 2] = [None, None];
    assert_eq!(pool.fill_vacant(&mut vacant).allocated, 2);
    let page = vacant[0].take().expect("filled");
    let PushError { page, reason, .. } = batch.push(page).expect_err("no room");
    assert_eq!(reason, BatchError::Full);
    let id = page.into_raw();
    // SAFETY: the page was just given up, and nobody else has its id.
    let page = unsafe { Page::from_raw(&pool, id) };
    let raw = [page.into_raw()];
    // SAFETY: as above.
    let freed: Result<(), PageError> = unsafe { pool.free_bulk_ignoring_refcounts(&raw) };
    assert_eq!(freed, Ok(()));
    let flags: ModeFlags = pool.mode();
    assert_eq!(flags, ModeFlags::of::<Checked>());
    let error: CloseError<Checked> = pool.close().expect_err("pages are out");
    assert_eq!(error.out(), 5);
    let _: &[MaybeUninit<PageId>] = &no_ids::<1>();
}

#[test]
fn no_old_name_is_kept() {
    let lib = include_str!("../../src/lib.rs");
    let public = lib.split("pub use ").skip(1).filter_map(|text| text.split(';').next());
    let public: Vec<_> = public.flat_map(|text| text.split(|c: char| !is_word(c))).collect();
    assert!(public.contains(&"BulkAlloc") && public.contains(&"CloseError"));
    let mut text = String::new();
    sources(concat!(env!("CARGO_MANIFEST_DIR"), "/src").as_ref(), &mut text);
    assert!(text.contains("pub fn fill_vacant(") && text.contains("pub const fn max_caches("));
    for name in GONE {
        assert!(!public.contains(&name), "{name}");
        let methods = ["fn", "const fn", "unsafe fn"].map(|kind| format!("pub {kind} {name}("));
        assert!(methods.iter().all(|method| !text.contains(method)), "{name}");
    }
}

/// Appends the text of each source file in a folder.
fn sources(folder: &std::path::Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, text);
        } else {
            *text += &std::fs::read_to_string(&path).expect("a source file");
        }
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// `mode.rs` says of each switch what it frustrates, needs, costs and does not catch.
#[test]
fn every_switch_is_documented_in_full() {
    let text = include_str!("../../src/mode.rs");
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! |"));
    let rows: Vec<Vec<_>> = rows.map(|row| row.split('|').map(str::trim).collect()).collect();
    assert_eq!(rows[0][..5], ["switch", "frustrates", "needs", "costs", "does not catch"]);
    let constants = text.lines().filter_map(|line| line.trim().strip_prefix("pub const "));
    let switches = constants.filter_map(|line| line.split_once(": u8 = "));
    let switches: Vec<_> =
        switches.filter(|(_, value)| *value != "0;" && value.len() == 2).collect();
    assert_eq!(switches.len(), 4);
    for (name, _) in switches {
        let row = rows.iter().find(|row| row[0] == format!("[`{name}`]"));
        let row = row.unwrap_or_else(|| panic!("no row of {name}"));
        assert!(row[1..5].iter().all(|cell| !cell.is_empty()), "{name}: {row:?}");
    }
}

/// Whoever tests or tries the crate builds nothing for it.
#[test]
fn the_crate_has_no_dev_dependency() {
    let manifest = include_str!("../../Cargo.toml");
    // Cargo writes a table for each dependency into a package.
    assert!(manifest.contains("\n[dependencies]\n") || manifest.contains("\n[dependencies."));
    assert!(!manifest.contains("dev-dependencies"));
}

/// What the compiler says of a target that it refuses, and what the README says of it.
#[test]
fn refused_targets_are_documented() {
    let refused = include_str!("../../src/sync/real.rs");
    assert!(refused.contains("Atomic::<u64>::is_lock_free()") && refused.contains("on 32-bit x86"));
    let readme = include_str!("../../README.md");
    assert!(readme.contains("not 32-bit x86, which aligns it to 4"));
}

/// The depot's word is full: a tag of as many bits as its comment and the documents say, and two numbers.
#[test]
fn the_depots_tag_is_as_wide_as_is_said() {
    let depot = include_str!("../../src/depot.rs");
    assert!(depot.contains("`tag:32 | nonempty:16 | empty:16`") && depot.contains("2³² times"));
    let design = include_str!("../../DESIGN.md");
    let decisions = include_str!("../../docs/decisions.md");
    assert!([design, decisions].iter().any(|text| text.contains("2³²")));
}
