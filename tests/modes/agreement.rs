//! `Cargo.toml`, `features.md`, the modes' constants and what they print agree.

use std::collections::{BTreeMap, HashSet};

use super::manifest;
use crate::common::*;

/// The features that choose what `DefaultMode` is, and whether this build has them.
fn mode_features() -> [(&'static str, bool); 8] {
    [
        ("refcount", cfg!(feature = "refcount")),
        ("checks", cfg!(feature = "checks")),
        ("stats", cfg!(feature = "stats")),
        ("claim", cfg!(feature = "claim")),
        ("poison", cfg!(feature = "poison")),
        ("quarantine", cfg!(feature = "quarantine")),
        ("shuffle", cfg!(feature = "shuffle")),
        ("hardened", cfg!(feature = "hardened")),
    ]
}

/// The hardening switches, and their names.
const SWITCHES: [(u8, &str); 4] = [
    (hardening::CLAIM, "claim"),
    (hardening::POISON, "poison"),
    (hardening::QUARANTINE, "quarantine"),
    (hardening::SHUFFLE, "shuffle"),
];

/// Every spelling, with its counts, checks, statistics and hardening.
fn spellings() -> Vec<(ModeFlags, [bool; 3], u8)> {
    macro_rules! spell {
        ($($h:literal)+) => {
            [$(
                spell!(@ $h false false false), spell!(@ $h false false true),
                spell!(@ $h false true false), spell!(@ $h false true true),
                spell!(@ $h true false false), spell!(@ $h true false true),
                spell!(@ $h true true false), spell!(@ $h true true true),
            )+]
        };
        (@ $h:literal $r:literal $c:literal $s:literal) => {
            (ModeFlags::of::<Select<$r, $c, $s, $h>>(), [$r, $c, $s], $h)
        };
    }
    spell!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15).to_vec()
}

const FORCED: bool = cfg!(pagesheaf_force_checks);

#[test]
fn spellings_that_differ_in_implied_checks_are_alike() {
    let distinct: HashSet<ModeFlags> = spellings().into_iter().map(|(mode, ..)| mode).collect();
    assert_eq!((spellings().len(), distinct.len()), (128, if FORCED { 64 } else { 68 }));
    for (mode, [refcount, checks, stats], hardening) in spellings() {
        assert_eq!((mode.refcount, mode.stats, mode.hardening), (refcount, stats, hardening));
        assert_eq!(mode.checks, checks || hardening != 0 || FORCED, "{mode}");
    }
}

#[test]
fn presets_are_what_they_are_called() {
    let table = [
        (ModeFlags::of::<Checked>(), "Checked", [true, true, true], hardening::NONE),
        (ModeFlags::of::<NoRefcount>(), "NoRefcount", [false, true, true], hardening::NONE),
        (ModeFlags::of::<NoChecks>(), "NoChecks", [true, false, true], hardening::NONE),
        (ModeFlags::of::<NoStats>(), "NoStats", [true, true, false], hardening::NONE),
        (ModeFlags::of::<Bare>(), "Bare", [false, false, false], hardening::NONE),
        (ModeFlags::of::<Hardened>(), "Hardened", [true, true, true], hardening::ALL),
        (ModeFlags::of::<Compact>(), "Compact", [false, true, true], hardening::NONE),
    ];
    for (mode, name, [refcount, checks, stats], hardening) in table {
        assert_eq!((mode.refcount, mode.stats, mode.hardening), (refcount, stats, hardening));
        assert_eq!(mode.checks, checks || FORCED);
        if !FORCED {
            assert_eq!(mode.preset(), Some(name));
        }
        assert_eq!(mode.compact, name == "Compact");
    }
}

/// A preset is a type of its own, by which an error message or a `Debug` text names it.
#[test]
fn presets_are_types_that_name_themselves() {
    let names = [
        std::any::type_name::<Checked>(),
        std::any::type_name::<Bare>(),
        std::any::type_name::<Hardened>(),
    ];
    assert!(names.iter().zip(["Checked", "Bare", "Hardened"]).all(|(it, name)| it.ends_with(name)));
    fn distinct<A: 'static, B: 'static>() -> bool {
        std::any::TypeId::of::<A>() != std::any::TypeId::of::<B>()
    }
    assert!(distinct::<Checked, Select<true, true, true, 0>>());
    assert!(distinct::<Hardened, Select<true, true, true, { hardening::ALL }>>());
}

#[test]
fn modes_say_what_is_on() {
    for (mode, _, hardening) in spellings() {
        let on = [(mode.refcount, "refcount"), (mode.checks, "checks"), (mode.stats, "stats")];
        let switches = SWITCHES.map(|(switch, name)| (hardening & switch != 0, name));
        let on = on.into_iter().chain(switches);
        let on: Vec<_> = on.filter(|(on, _)| *on).map(|(_, name)| name).collect();
        let list = if on.is_empty() { "nothing".to_owned() } else { on.join(", ") };
        let name = mode.preset().unwrap_or("Custom");
        assert_eq!(mode.to_string(), format!("{name} ({list})"));
    }
    assert_eq!(ModeFlags::of::<Checked>().to_string(), "Checked (refcount, checks, stats)");
    assert_eq!(ModeFlags::of::<Compact>().to_string(), "Compact (compact checks, stats)");
    assert_eq!(
        ModeFlags::of::<Hardened>().to_string(),
        "Hardened (refcount, checks, stats, claim, poison, quarantine, shuffle)"
    );
    if !FORCED {
        assert_eq!(ModeFlags::of::<Bare>().to_string(), "Bare (nothing)");
        assert_eq!(ModeFlags::of::<Select<false, false, true, 0>>().to_string(), "Custom (stats)");
    }
}

#[test]
fn the_default_mode_is_what_the_features_say() {
    let [(_, refcount), (_, checks), (_, stats), switches @ .., (_, hardened)] = mode_features();
    let mode = ModeFlags::of::<DefaultMode>();
    let hardening = SWITCHES.iter().zip(switches).filter(|(_, (_, on))| *on);
    let hardening = hardening.fold(0, |set, ((switch, _), _)| set | switch);
    assert_eq!((mode.refcount, mode.stats, mode.hardening), (refcount, stats, hardening));
    assert!(!mode.compact, "no feature takes the counts away that `refcount` promises");
    assert_eq!(mode.checks, checks || hardening != 0 || FORCED);
    assert!(hardening == 0 || checks, "each of these features turns `checks` on");
    assert!(!hardened || hardening == hardening::ALL);
    assert_eq!(pool::<DefaultMode>(1).mode(), mode);
}

fn a_pool_says_its_mode<M: Mode>() {
    let pool = pool::<M>(1);
    let consts = (M::REFCOUNT, M::CHECKS, M::STATS, M::HARDENING);
    let ModeFlags { refcount, checks, stats, hardening, .. } = pool.mode();
    assert_eq!((refcount, checks, stats, hardening), consts);
    assert_eq!(pool.mode(), ModeFlags::of::<M>());
}

/// The features of `Cargo.toml`, with what each turns on.
fn features() -> BTreeMap<String, Vec<String>> {
    manifest::lists(include_str!("../../Cargo.toml"), "features")
}

#[test]
fn cargo_toml_has_the_features_that_modes_read() {
    let features = features();
    let default = ["std", "refcount", "checks", "stats"].map(str::to_owned);
    assert_eq!(features["default"], default);
    for (name, _) in mode_features() {
        assert!(features.contains_key(name), "no feature {name}");
    }
    let switches = SWITCHES.map(|(_, name)| name.to_owned());
    assert_eq!(features["hardened"], switches);
    assert!(switches.iter().all(|name| features[name] == ["checks".to_owned()]));
    for (name, turns_on) in &features {
        let weakens = name.starts_with("no-") || name.contains("unchecked");
        assert!(!weakens, "features only add: {name}");
        let known = |on: &String| on.starts_with("dep:") || features.contains_key(on);
        assert!(turns_on.iter().all(known), "{name} = {turns_on:?}");
    }
}

/// `features.md` has, for every feature and for nothing else, a heading that names it in backticks or a table row
/// whose first cell does; a row's second cell is `on` or `off`, as the feature is by default.
#[test]
fn features_md_has_every_feature_and_its_default() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/features.md");
    let text = std::fs::read_to_string(path).expect("features.md stands beside Cargo.toml");
    let features = features();
    let name_of = |cell: &str| {
        let name = cell.trim().strip_prefix('`')?.split('`').next()?;
        Some(name.to_owned())
    };
    let mut rows = BTreeMap::new();
    let mut headings = HashSet::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            headings.extend(name_of(heading.trim_start_matches('#')));
        } else if let Some(row) = line.strip_prefix('|') {
            let mut cells = row.split('|').map(str::trim);
            let (first, second) = (cells.next().and_then(name_of), cells.next());
            if let (Some(name), Some(default @ ("on" | "off"))) = (first, second) {
                rows.insert(name, default == "on");
            }
        }
    }
    // What starts with `__` is for the packages of the project.
    for name in features.keys().filter(|name| *name != "default" && !name.starts_with("__")) {
        let documented = rows.contains_key(name) || headings.contains(name);
        assert!(documented, "features.md says nothing of `{name}`");
        if let Some(&on) = rows.get(name) {
            assert_eq!(on, features["default"].contains(name), "the default of `{name}`");
        }
    }
    for name in rows.keys() {
        assert!(features.contains_key(name), "features.md knows `{name}`, Cargo.toml does not");
    }
}

every_mode!(a_pool_says_its_mode);
