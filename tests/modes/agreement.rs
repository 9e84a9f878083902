//! `Cargo.toml`, `features.md`, the modes' constants and what they print agree.

use std::collections::{BTreeMap, HashSet};

use crate::common::*;

/// The features that choose what `DefaultMode` is, and whether this build has them.
fn mode_features() -> [(&'static str, bool); 4] {
    [
        ("refcount", cfg!(feature = "refcount")),
        ("checks", cfg!(feature = "checks")),
        ("stats", cfg!(feature = "stats")),
        ("hardened", cfg!(feature = "hardened")),
    ]
}

fn spellings() -> [(ModeFlags, [bool; 4]); 16] {
    macro_rules! spell {
        ($($r:literal $c:literal $s:literal $h:literal),+) => {
            [$((ModeFlags::of::<Select<$r, $c, $s, $h>>(), [$r, $c, $s, $h])),+]
        };
    }
    spell!(
        false false false false, false false false true, false false true false, false false true true,
        false true false false, false true false true, false true true false, false true true true,
        true false false false, true false false true, true false true false, true false true true,
        true true false false, true true false true, true true true false, true true true true
    )
}

const FORCED: bool = cfg!(pagesheaf_force_checks);

#[test]
fn sixteen_spellings_name_twelve_modes() {
    let distinct: HashSet<ModeFlags> = spellings().into_iter().map(|(modes, _)| modes).collect();
    assert_eq!(distinct.len(), if FORCED { 8 } else { 12 });
    for (modes, [refcount, checks, stats, hardened]) in spellings() {
        assert_eq!((modes.refcount, modes.stats, modes.hardened), (refcount, stats, hardened));
        assert_eq!(modes.checks, checks || hardened || FORCED, "{modes}");
    }
}

#[test]
fn presets_are_what_they_are_called() {
    let table = [
        (ModeFlags::of::<Checked>(), "Checked", [true, true, true, false]),
        (ModeFlags::of::<NoRefcount>(), "NoRefcount", [false, true, true, false]),
        (ModeFlags::of::<NoChecks>(), "NoChecks", [true, false, true, false]),
        (ModeFlags::of::<NoStats>(), "NoStats", [true, true, false, false]),
        (ModeFlags::of::<Bare>(), "Bare", [false, false, false, false]),
        (ModeFlags::of::<Hardened>(), "Hardened", [true, true, true, true]),
    ];
    for (modes, name, [refcount, checks, stats, hardened]) in table {
        assert_eq!((modes.refcount, modes.stats, modes.hardened), (refcount, stats, hardened));
        assert_eq!(modes.checks, checks || FORCED);
        if !FORCED {
            assert_eq!(modes.preset(), Some(name));
        }
    }
}

#[test]
fn modes_say_what_is_on() {
    for (modes, _) in spellings() {
        let on = [
            (modes.refcount, "refcount"),
            (modes.checks, "checks"),
            (modes.stats, "stats"),
            (modes.hardened, "hardened"),
        ];
        let on: Vec<_> = on.into_iter().filter(|(on, _)| *on).map(|(_, name)| name).collect();
        let list = if on.is_empty() { "nothing".to_owned() } else { on.join(", ") };
        let name = modes.preset().unwrap_or("Custom");
        assert_eq!(modes.to_string(), format!("{name} ({list})"));
    }
    assert_eq!(ModeFlags::of::<Checked>().to_string(), "Checked (refcount, checks, stats)");
    assert_eq!(
        ModeFlags::of::<Hardened>().to_string(),
        "Hardened (refcount, checks, stats, hardened)"
    );
    if !FORCED {
        assert_eq!(ModeFlags::of::<Bare>().to_string(), "Bare (nothing)");
        assert_eq!(
            ModeFlags::of::<Select<false, false, true, false>>().to_string(),
            "Custom (stats)"
        );
    }
}

#[test]
fn the_default_mode_is_what_the_features_say() {
    let [(_, refcount), (_, checks), (_, stats), (_, hardened)] = mode_features();
    let modes = ModeFlags::of::<DefaultMode>();
    assert_eq!((modes.refcount, modes.stats, modes.hardened), (refcount, stats, hardened));
    assert_eq!(modes.checks, checks || hardened || FORCED);
    assert!(!hardened || checks, "the feature `hardened` turns `checks` on");
    assert_eq!(pool::<DefaultMode>(1).mode(), modes);
}

fn a_pool_says_its_mode<M: Mode>() {
    let pool = pool::<M>(1);
    let consts = (M::REFCOUNT, M::CHECKS, M::STATS, M::HARDENED);
    let ModeFlags { refcount, checks, stats, hardened, .. } = pool.mode();
    assert_eq!((refcount, checks, stats, hardened), consts);
    assert_eq!(pool.mode(), ModeFlags::of::<M>());
}

/// The features of `Cargo.toml`, with what each turns on. Optional dependencies are not among them.
fn features() -> BTreeMap<String, Vec<String>> {
    let manifest = include_str!("../../Cargo.toml");
    let table = manifest.split("\n[features]\n").nth(1).expect("a table of features");
    let table = table.split("\n[").next().expect("its text");
    let lines = table.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, list) = line.split_once('=').expect("name = [list], in one line");
            let list = list.split('"').skip(1).step_by(2).map(str::to_owned).collect();
            (name.trim().to_owned(), list)
        })
        .collect()
}

#[test]
fn cargo_toml_has_the_features_that_modes_read() {
    let features = features();
    let default = ["std", "refcount", "checks", "stats"].map(str::to_owned);
    assert_eq!(features["default"], default);
    for (name, _) in mode_features() {
        assert!(features.contains_key(name), "no feature {name}");
    }
    assert_eq!(features["hardened"], ["checks".to_owned()]);
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
    for name in features.keys().filter(|name| *name != "default") {
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
