//! How a misuse is tried, and the table of verdicts.

use std::fmt::Write as _;

use super::fenced::NEVER;
use super::touched::TOUCHED;
use crate::common::*;

/// What comes of a misuse.
#[derive(Clone, Copy)]
pub enum Verdict {
    /// It does not compile: `prevented.md`, or the mode has no such call.
    Type,
    /// It is found, and this is said of it: of a page where the scene names one, else as it stands, with `{mode}`.
    Detected(&'static str),
    /// It is found, or goes through, as it happens.
    AtTimes(&'static str),
    /// It goes through.
    Undetected,
    /// Nothing is wrong afterwards.
    Harmless,
}

/// Detected where `found`, else not.
pub fn when(found: bool, said: &'static str) -> Verdict {
    if found { Verdict::Detected(said) } else { Verdict::Undetected }
}

/// As [`when`], in modes that have the call.
pub fn where_counted(mode: ModeFlags, found: bool, said: &'static str) -> Verdict {
    if mode.refcount { when(found, said) } else { Verdict::Type }
}

/// A line of the table.
pub struct Misuse {
    pub what: &'static str,
    pub verdict: fn(ModeFlags) -> Verdict,
}

/// A pool of 100 pages with magazines of 4, two caches, and 40 pages that are out without an owner.
pub struct Scene<M: Mode> {
    pub pool: Pool<M>,
    pub one: Cache<M>,
    pub two: Cache<M>,
    pub ids: Vec<PageId>,
    /// The page that is misused, and its position in the call that finds it.
    pub bad: Option<(PageId, usize)>,
}

impl<M: Mode> Scene<M> {
    pub fn new() -> Self {
        let pool =
            build::<M>(100, |builder| builder.magazine_capacity(4).initially(100).fences(&NEVER));
        let (mut one, two) = (pool.cache().expect("a cache"), pool.cache().expect("a cache"));
        let mut out = no_ids::<40>();
        let ids = one.alloc_bulk_raw(&mut out).0.to_vec();
        assert_eq!(ids.len(), 40);
        Scene { pool, one, two, ids, bad: None }
    }

    /// Frees pages that are out, which is legal.
    pub fn free(&mut self, ids: &[PageId]) {
        // SAFETY: the pages are out, and nobody has freed them yet.
        assert_eq!(unsafe { self.one.free_bulk_raw(ids) }, Ok(()));
    }

    /// Frees pages of which the one at `position` must not be freed. Returns what was said of it.
    pub fn misfree(&mut self, ids: &[PageId], position: usize) -> Option<String> {
        self.bad = Some((ids[position], position));
        // SAFETY: not so: this is the misuse. The pool is not used again if it is not found.
        said(unsafe { self.two.free_bulk_raw(ids) })
    }

    /// Frees pages, of which the first, which is returned, comes to lie in the depot.
    pub fn free_into_the_depot(&mut self) -> PageId {
        let ids = self.ids[..30].to_vec();
        let before = self.pool.audit().pages;
        self.free(&ids);
        let pages = self.pool.audit().pages;
        // None is in the zone, and the two magazines at hand have the last.
        assert_eq!((pages.free, pages.cached), (before.free, before.cached + 30));
        if let Some(stats) = self.pool.stats() {
            assert!(stats.calls.depot_flushes > 0 && stats.calls.zone_flushes == 0, "{stats}");
        }
        ids[0]
    }

    /// What is said in full where `fault` is found.
    pub fn text(&self, fault: &str) -> String {
        let mode = self.pool.mode();
        match self.bad {
            Some((page, position)) => format!("{page} at position {position} {fault} [{mode}]"),
            None => fault.replace("{mode}", &mode.to_string()),
        }
    }

    /// The bytes of a page, whoever owns it.
    pub fn bytes(&self, id: PageId) -> *mut u8 {
        self.pool.ptr(id).expect("a page of the pool").as_ptr()
    }
}

/// What an error says. With the feature `track` it says what happened to the page, too.
pub fn said<T>(result: Result<T, PageError>) -> Option<String> {
    let error = result.err()?;
    #[cfg(feature = "track")]
    {
        let has_none = matches!(error.fault, Fault::OutOfRange | Fault::NotABlock);
        assert!(has_none || error.to_string().contains("(its last events: "), "{error}");
    }
    Some(plain(error))
}

/// Tries a misuse: what is said of it is what the verdict says.
pub fn tried<M: Mode>(
    verdict: fn(ModeFlags) -> Verdict,
    misuse: impl FnOnce(&mut Scene<M>) -> Option<String>,
) {
    let mode = ModeFlags::of::<M>();
    let mut scene = Scene::<M>::new();
    let said = match verdict(mode) {
        Verdict::Type => return,
        _ => misuse(&mut scene).map(plain),
    };
    let pages = scene.pool.audit().pages;
    assert!(pages.adds_up(), "{pages}");
    let verdict = verdict(mode);
    let text = match verdict {
        Verdict::Detected(fault) | Verdict::AtTimes(fault) => Some(scene.text(fault)),
        _ => None,
    };
    let Scene { pool, one, two, .. } = scene;
    match verdict {
        Verdict::Detected(_) => {
            assert_eq!(said, text);
            assert!(matches!(pool.audit().misplaced, None | Some(0)), "{pool}");
        }
        Verdict::Harmless => {
            assert_eq!(said, None);
            assert_adds_up(&pool);
            assert!(!pool.is_tainted());
        }
        _ => {
            assert!(said.is_none() || said == text, "{said:?}");
            // Nothing can be promised of it any more.
            std::mem::forget((pool, one, two));
        }
    }
}

/// `Checked`, hardened by some switches.
pub type With<const HARDENING: u8> = Select<true, true, true, HARDENING>;

/// Stamps bodies over each hardening switch alone.
macro_rules! every_switch {
    ($($bodies:tt)+) => {
        mod every_switch {
            stamp_preset!(claim, super::super::super::suite::With<{ hardening::CLAIM }>, [$($bodies)+]);
            stamp_preset!(poison, super::super::super::suite::With<{ hardening::POISON }>, [$($bodies)+]);
            stamp_preset!(quarantine, super::super::super::suite::With<{ hardening::QUARANTINE }>, [$($bodies)+]);
            stamp_preset!(shuffle, super::super::super::suite::With<{ hardening::SHUFFLE }>, [$($bodies)+]);
        }
    };
}

/// Declares misuses: what each is, its verdict by mode, and how it is tried. Each becomes a test in every preset and
/// with each hardening switch alone, and a line of the table.
macro_rules! misuses {
    ($($name:ident, $what:literal, $verdict:expr, |$scene:ident| $body:block)+) => {
        $(fn $name<M: Mode>() {
            super::suite::tried::<M>($verdict, |$scene: &mut Scene<M>| $body);
        })+
        every_preset!($($name),+);
        every_switch!($($name),+);

        pub const TABLE: &[Misuse] = &[$(Misuse { what: $what, verdict: $verdict }),+];
    };
}

/// As `misuses`, of calls that only counting modes have.
macro_rules! counted_misuses {
    ($($name:ident, $what:literal, $verdict:expr, |$scene:ident| $body:block)+) => {
        $(fn $name<M: Refcounted>() {
            super::suite::tried::<M>($verdict, |$scene: &mut Scene<M>| $body);
        })+
        every_refcounted_mode!($($name),+);
        every_switch!($($name),+);

        pub const TABLE: &[Misuse] = &[$(Misuse { what: $what, verdict: $verdict }),+];
    };
}

/// A heading, and a mode that stands for it.
type Column = (&'static str, fn() -> ModeFlags);

/// The columns: modes that find the same stand together.
const COLUMNS: [Column; 10] = [
    ("`Bare`", ModeFlags::of::<Bare>),
    ("`NoChecks`", ModeFlags::of::<NoChecks>),
    ("`Compact`", ModeFlags::of::<Compact>),
    ("`NoRefcount`", ModeFlags::of::<NoRefcount>),
    ("`Checked`, `NoStats`", ModeFlags::of::<Checked>),
    ("`CLAIM`", ModeFlags::of::<With<{ hardening::CLAIM }>>),
    ("`POISON`", ModeFlags::of::<With<{ hardening::POISON }>>),
    ("`QUARANTINE`", ModeFlags::of::<With<{ hardening::QUARANTINE }>>),
    ("`SHUFFLE`", ModeFlags::of::<With<{ hardening::SHUFFLE }>>),
    ("`Hardened`", ModeFlags::of::<Hardened>),
];

/// The verdicts as a table.
pub fn markdown(prevented: &[&str], misuses: &[&Misuse]) -> String {
    let columns = COLUMNS.len() + 1;
    let mut text = String::from("| misuse |");
    COLUMNS.iter().for_each(|(name, _)| write!(text, " {name} |").expect("a string"));
    text.push_str(" any, under a tool |");
    writeln!(text, " what is said |\n|---|{}---|", "---|".repeat(columns)).expect("a string");
    for what in prevented {
        writeln!(text, "| {what} |{} |", " type |".repeat(columns)).expect("a string");
    }
    assert!(TOUCHED.iter().all(|what| misuses.iter().any(|misuse| misuse.what == *what)));
    for misuse in misuses {
        let mut says = "";
        write!(text, "| {} |", misuse.what).expect("a string");
        for (_, mode) in COLUMNS {
            let verdict = match (misuse.verdict)(mode()) {
                Verdict::Type => "type",
                Verdict::Undetected => "no",
                Verdict::Harmless => "harmless",
                Verdict::Detected(said) => {
                    says = said;
                    "yes"
                }
                Verdict::AtTimes(said) => {
                    says = said;
                    "at times"
                }
            };
            write!(text, " {verdict} |").expect("a string");
        }
        let under_a_tool = if TOUCHED.contains(&misuse.what) { "yes" } else { "-" };
        writeln!(text, " {under_a_tool} | {says} |").expect("a string");
    }
    text
}
