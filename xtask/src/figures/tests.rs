//! What README.md shows is what the file has, and each difference is a fault.

use super::record::SHOWN;
use super::*;

fn file(path: &str) -> File {
    let text = std::fs::read_to_string(crate::run::root().join(path)).expect(path);
    File { path: path.into(), text }
}

/// Of shapes and rivals that a record lacks nothing is shown, and one that has them shows them.
#[test]
fn what_a_record_lacks_is_left_out_and_shown_when_it_is_there() {
    let mut record = Record::parse(&file(FIGURES).text).expect("figures");
    let shown =
        |record: &Record| parts::PARTS.map(|part| (part.text)(record).expect("a part")).concat();
    let new = |name: &str| NEW.iter().any(|(_, shape)| name == *shape);
    record.rows.retain(|row| !new(&row.shape) && row.contender != "opool");
    let before = shown(&record);
    for (contender, shape) in NEW {
        let row = format!(
            r#"{{"shape": "{shape}", "bulk": 64, "order": "scattered", "touched": false,
            "colour": false, "contender": "{contender}", "kind": "rival", "ns": 0.0625}}"#
        );
        record.rows.push(serde_json::from_str(&row).expect("a row"));
    }
    let after = shown(&record);
    for name in ["`mixed`", "`opool`", "`wait`", "`pipe_into_7`"] {
        let counts = [&before, &after].map(|text| text.matches(name).count());
        assert!(counts[0] < counts[1], "{name}: {counts:?}");
    }
    assert!(
        !before.contains("0.0625")
            && after.matches("0.06").count() > before.matches("0.06").count()
    );
}

const NEW: [(&str, &str); 4] =
    [("opool", "mixed"), ("Bare", "mixed"), ("Bare", "pipe_into_7"), ("async", "wait")];

/// The files that are compared, after `change` has changed one of them.
fn found(path: &str, change: impl Fn(&str) -> String) -> Vec<String> {
    let names = [FIGURES, "README.md", "features.md", "docs/testing.md", "docs/performance.md"];
    let mut files = names.map(file);
    let changed = files.iter_mut().find(|file| file.path == path).expect(path);
    let text = change(&changed.text);
    assert!(path == FIGURES || text != changed.text, "nothing is changed in {path}");
    changed.text = text;
    faults(&files).iter().map(Fault::to_string).collect()
}

#[test]
fn the_readme_shows_the_figures_of_the_file() {
    assert_eq!(found(FIGURES, str::to_owned), [""; 0]);
}

#[test]
fn a_figure_that_was_typed_is_found() {
    for part in parts::PARTS {
        let record = Record::parse(&file(FIGURES).text).expect("figures");
        let shown = (part.text)(&record).expect("a part");
        let Some(digit) = shown.find(|it: char| it.is_ascii_digit()) else {
            assert!(record.before.is_none() && part.section.name == "machines");
            continue;
        };
        let typed = format!("{}_{}", &shown[..digit], &shown[digit + 1..]);
        let faults = found(part.section.file, |text| text.replace(&shown, &typed));
        assert!(matches!(&faults[..], [one] if one.contains(part.section.name)), "{faults:?}");
    }
}

#[test]
fn what_is_counted_is_counted_anew() {
    let model = |text: &str| {
        text.replace("<!-- loom:end -->", "| `new` | exhaustive | any: 1 |\n<!-- loom:end -->")
    };
    let faults = found("features.md", model);
    assert!(
        matches!(&faults[..], [one] if one.contains("what it counts has changed")),
        "{faults:?}"
    );
}

#[test]
fn a_run_without_somebody_who_is_shown_is_refused() {
    let meta =
        r#"{"machine": "a", "cores": 2, "rustc": "r", "commit": "c", "unix_time": 0, "kept": 1.0}"#;
    let row = |name: &str, bulk: u64| {
        format!(
            r#"{{"shape": "hot_pair", "bulk": {bulk}, "order": "scattered", "touched": false,
            "colour": false, "contender": "{name}", "kind": "mode", "ns": 0.12345}}"#
        )
    };
    let run = |names: &[&str]| {
        let mut rows: Vec<_> = names.iter().map(|name| row(name, 64)).collect();
        rows.push(row("somebody else", 64));
        rows.push(row("Bare", 3));
        Record::of_run(&format!(r#"{{"meta": {meta}, "rows": [{}]}}"#, rows.join(", ")))?.whole()
    };
    let record = run(&SHOWN).expect("all are there");
    assert_eq!((record.rows.len(), record.ns("Bare", "hot_pair", 64)), (SHOWN.len(), Some(0.123)));
    let error = run(&SHOWN[1..]).err().expect("one is not there").to_string();
    assert!(error.contains("\"Bare\""), "{error}");
}

/// A run on another machine keeps what was measured before where rivals are, and has the ladder of hardening apart.
#[test]
fn a_run_on_another_machine_keeps_the_one_before() {
    let row = |name: &str, bulk: u64, out: &str| {
        format!(
            r#"{{"shape": "outstanding", "bulk": {bulk}, "order": "scattered", "touched": false,
            "colour": false, "contender": "{name}", "kind": "mode", "ns": 1.0, "out": {out}}}"#
        )
    };
    let run = |machine: &str, rows: &[String]| {
        let text = format!(
            r#"{{"meta": {{"machine": "{machine}", "cores": 2, "rustc": "r", "commit": "c", "unix_time": 0,
            "kept": 1.0, "command": "c"}}, "rows": [{}]}}"#,
            rows.join(", ")
        );
        Record::of_run(&text).expect("a run")
    };
    let many = (1 << 20).to_string();
    let old = run("A", &[row("Checked", 64, &many), row("Checked", 16, &many)]);
    assert!(old.ladder.is_none(), "no step of it was measured");
    let steps = [row("Checked", 64, "65536"), row("Checked+claim", 64, "65536")];
    let new = run("B", &[&steps[..], &[row("Checked", 64, &many)]].concat());
    assert_eq!((new.rows.len(), new.ladder.as_ref().map(|it| it.rows.len())), (1, Some(2)));
    let record = new.after(old);
    let before = record.before.as_ref().expect("the machine before");
    assert_eq!((&*before.meta.machine, before.rows.len()), ("A", 1));
    // One more on the same machine has the same one before it, and the same ladder.
    let again = run("B", &[row("Checked", 64, &many)]).after(record);
    assert_eq!(again.before.map(|it| it.meta.machine).as_deref(), Some("A"));
    assert_eq!(again.ladder.map(|it| it.rows.len()), Some(2));
}
