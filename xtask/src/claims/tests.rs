//! The list is read strictly, and a command is judged by what it did.

use super::*;

const TEST: &str = "cargo test -p pagesheaf --test misuse -- frees";

fn claims(text: &str) -> Vec<(u32, String, Option<String>)> {
    let list = List::read(text).expect("a list");
    list.claims().into_iter().map(|it| (it.part, it.item, it.command)).collect()
}

fn mistake(text: &str) -> String {
    format!("{:#}", List::read(text).expect_err("a mistake"))
}

#[test]
fn an_item_without_a_claim_has_no_command() {
    let text = r#"
        [[part]]
        number = 1
        items = ["1a", "1b", "1c"]
        [[claim]]
        part = 1
        item = "1c"
        claim = "It is so."
        command = "cargo xtask tidy"
        [[claim]]
        part = 1
        item = "1a"
        claim = "It will be so."
    "#;
    let of = |item: &str, command: Option<&str>| (1, item.into(), command.map(str::to_owned));
    let expected = [of("1a", None), of("1b", None), of("1c", Some("cargo xtask tidy"))];
    assert_eq!(claims(text), expected);
}

#[test]
fn mistakes_in_the_list_are_named() {
    let part = "[[part]]\nnumber = 1\nitems = [\"1a\"]\n";
    let claim = |item: &str, claim: &str, command: &str| {
        format!(
            "{part}[[claim]]\npart = 1\nitem = '{item}'\nclaim = '{claim}'\ncommand = {command:?}"
        )
    };
    assert!(List::read(&claim("1a", "So.", "cargo xtask tidy")).is_ok());
    for (text, told) in [
        (claim("1b", "So.", "cargo xtask tidy"), "part 1 has no item 1b"),
        (claim("1a", "", "cargo xtask tidy"), "claims nothing"),
        (claim("1a", "So.", " "), "the command is empty"),
        (claim("1a", "So.", "A=1"), "the command is empty"),
        (claim("1a", "So.", "a | b"), "no shell runs"),
        (claim("1a", "So.", "cargo xtask claims --part 1"), "cannot show themselves"),
        (claim("1a", "So.", "A=1 cargo xtask claims"), "cannot show themselves"),
        (format!("{part}{part}"), "part 1 lists 1a twice"),
        (format!("{part}[[claim]]\npart = 1\nitem = '1a'\nclaim = 'So.'\nhow = ''"), "how"),
    ] {
        let mistake = mistake(&text);
        assert!(mistake.contains(told), "{mistake}");
    }
}

#[test]
fn the_list_of_the_project_can_be_read() {
    let text = fs::read_to_string(crate::run::root().join(LIST)).expect("the list");
    assert!(!claims(&text).is_empty());
}

#[test]
fn a_command_that_fails_has_failed() {
    let ok = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out\n";
    assert_eq!(judge(TEST, true, ok), Verdict::Passed);
    assert_eq!(judge(TEST, false, ok), Verdict::Failed("it failed".into()));
    assert_eq!(judge("cargo xtask tidy", true, ""), Verdict::Passed);
    assert_eq!(judge("cargo xtask tidy", false, "skipped: a"), Verdict::Failed("it failed".into()));
}

#[test]
fn a_filter_that_matches_no_test_fails() {
    let none = "running 0 tests\n\n\
        test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 9 filtered out; finished in 0 s\n";
    let one = "running 1 test\n.\n\
        test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 8 filtered out; finished in 0 s\n";
    let ignored = "running 1 test\ni\n\
        test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured; 8 filtered out; finished in 0 s\n";
    for command in [TEST, "cargo +nightly test --lib", "cargo test"] {
        assert_eq!(judge(command, true, none), Verdict::Failed("no test ran".into()));
        assert_eq!(judge(command, true, ""), Verdict::Failed("no test ran".into()));
        assert_eq!(judge(command, true, ignored), Verdict::Failed("its tests are ignored".into()));
        assert_eq!(judge(command, true, &format!("{none}{one}{none}")), Verdict::Passed);
    }
}

#[test]
fn a_command_may_set_variables_first() {
    for command in ["A=1 B=c=2 cargo test --lib", "A=1 B=c=2 cargo xtask tidy"] {
        let program = program(command);
        let set = |name: &str| program.get_envs().find(|it| it.0 == name).and_then(|it| it.1);
        assert_eq!((set("A"), set("B")), (Some("1".as_ref()), Some("c=2".as_ref())));
        assert!(program.get_args().all(|word| word != "A=1" && word != "cargo"));
    }
    assert!(judge::is_test("A=1 cargo test") && !judge::is_test("A=1 cargo xtask test"));
}

#[test]
fn what_says_that_it_skipped_is_skipped() {
    let ok = "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 4 filtered out\n";
    let skipped = |command, text: &str| match judge(command, true, text) {
        Verdict::Skipped(why) => why,
        other => panic!("{other}"),
    };
    assert_eq!(
        skipped(TEST, &format!("---- a stdout ----\nskipped: no dlopen\n{ok}")),
        "no dlopen"
    );
    let stage = "== tidy\n== tidy: 0.1 s\n== fuzz: skipped, no nightly\n1 passed, 1 skipped\n";
    assert_eq!(skipped("cargo xtask test", stage), "fuzz: skipped, no nightly");
    assert_eq!(judge("cargo xtask test", true, "== fuzz: 1 s\nnot skipped: 3"), Verdict::Passed);
}

#[test]
fn equal_commands_run_once() {
    let claim = |item: &str, command: Option<&str>| Claim {
        part: 1,
        item: item.into(),
        claim: "So.".into(),
        command: command.map(str::to_owned),
    };
    let all =
        [claim("1a", Some("a")), claim("1b", None), claim("1c", Some("b")), claim("1d", Some("a"))];
    let mut runs = Vec::new();
    let verdicts = verdicts(&all, |command| {
        runs.push(command.to_owned());
        if command == "a" { Verdict::Passed } else { Verdict::Skipped("so".into()) }
    });
    assert_eq!(runs, ["a", "b"]);
    let rows: Vec<_> = all.iter().zip(&verdicts).map(|(claim, it)| row(claim, it)).collect();
    let told: Vec<_> = rows.iter().map(|row| (row.passed, row.skipped)).collect();
    assert_eq!(told, [(true, false), (false, false), (false, true), (true, false)]);
    let first = serde_json::to_value(&rows[1]).expect("a row");
    let expected =
        json!({"part": 1, "item": "1b", "command": null, "passed": false, "skipped": false});
    assert_eq!(first, expected);
}

#[test]
fn tests_show_what_they_print() {
    let args = |command| {
        let program = program(command);
        program.get_args().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(args("cargo test --lib"), ["test", "--lib", "--", "--show-output"]);
    assert_eq!(args("cargo test -- a"), ["test", "--", "a", "--show-output"]);
    assert_eq!(args("cargo +nightly test a"), ["+nightly", "test", "a", "--", "--show-output"]);
    assert_eq!(args("cargo xtask tidy"), ["tidy"]);
    assert_eq!(args("valgrind --version"), ["--version"]);
}
