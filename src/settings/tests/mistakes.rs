//! What people get wrong, and what they are told.

use proptest::prelude::*;

use super::*;

#[test]
fn an_unknown_key_is_shown_in_its_line_with_the_word_that_was_meant() {
    assert_eq!(
        Scene::with("host = 'a'\n\n[defaults.keep]\n  cuont = 3\n").complaint(),
        "\
cannot use etc/testing.toml:4:3: unknown key `cuont` in `defaults.keep`
  |
4 |   cuont = 3
  |   ^^^^^
hint: did you mean `count`?"
    );
}

#[test]
fn unknown_keys_are_errors_also_where_the_type_would_pass_over_them() {
    assert!(Scene::with("[defaults]\ncompression = 'zstd'").complaint().contains("unknown key `compression` in `defaults`"));
}

#[test]
fn a_map_takes_any_key() {
    assert_eq!(Scene::with("labels.anything = 'x'").loaded().value.labels["anything"], "x");
}

#[test]
fn a_strange_key_is_answered_with_the_known_ones() {
    let complaint = Scene::with("[defaults.keep]\nzzz = 1\n").complaint();
    assert!(complaint.ends_with("hint: use one of `count`, `max-total`, `min-free`"), "{complaint}");
}

#[test]
fn a_key_of_another_program_is_answered_with_the_tools_own_word() {
    for text in ["rotate = 7\n", "[defaults.keep]\nrotate = 7\n", "[[log]]\nname = 'a'\nrotate = 7\n"] {
        let complaint = Scene::with(text).complaint();
        assert!(complaint.contains("unknown key `rotate`"), "{complaint}");
        assert!(complaint.ends_with("hint: write keep = { count = 7 }"), "{complaint}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_answered_by_the_tool_first() {
    let complaint = Scene::with("eager = 'much'\n").complaint();
    assert!(complaint.ends_with("hint: much is no way to be eager"), "{complaint}");
    assert!(!Scene::with("limit = 'much'\n").complaint().contains("hint"));
}

#[test]
fn a_bare_number_where_a_table_with_a_count_belongs_is_answered_with_the_table() {
    let complaint = |text: &str| Scene::with(&format!("[defaults]\nkeep = {text}\n")).complaint();
    let seven = complaint("7");
    assert!(seven.contains("2:8: expected a table, found 7") && seven.ends_with("hint: write { count = 7 }"), "{seven}");
    for text in ["0", "-1", "'7'"] {
        assert!(!complaint(text).contains("hint"), "{text}");
    }
}

#[test]
fn a_quantity_in_other_words_is_answered_with_the_right_ones() {
    let total = Scene::with("[defaults.keep]\nmax-total = '10M'\n").complaint();
    assert!(total.contains("2:13: `10M`: unknown unit `M`, write `10 MiB`"), "{total}");
    let free = Scene::with("[defaults.keep]\nmin-free = '10g'\n").complaint();
    assert!(free.contains("2:12: `10g`: unknown unit `g`, write `10 GiB`"), "{free}");
    let age = Scene::with("max-age = '90 days'\n").complaint();
    assert!(age.contains("1:11: `90 days`: write `90d`"), "{age}");
}

#[test]
fn every_problem_is_named_at_once() {
    let scene =
        Scene::with("limit = -1\nhosst = 'a'\n[[log]]\nname = 'a'\npaths = 5\nmode = '99'\n[[log]]\nname = 'b'\npahts = []\n")
            .file("user/testing.toml", "[defaults]\ncompress = 'zst'\n");
    assert_eq!(
        scene.complaint(),
        "\
cannot use the settings: 6 problems
etc/testing.toml:1:9: expected a whole number from 0 up, found -1
  |
1 | limit = -1
  |         ^^
etc/testing.toml:2:1: unknown key `hosst`
  |
2 | hosst = 'a'
  | ^^^^^
  hint: did you mean `host`?
etc/testing.toml:5:9: expected a list, found 5
  |
5 | paths = 5
  |         ^
etc/testing.toml:6:8: `99` is no mode such as \"0640\"
  |
6 | mode = '99'
  |        ^^^^
etc/testing.toml:9:1: unknown key `pahts` in `log[1]`
  |
9 | pahts = []
  | ^^^^^
  hint: did you mean `paths`?
user/testing.toml:2:12: unknown value `zst`
  |
2 | compress = 'zst'
  |            ^^^^^
  hint: did you mean `zstd`?"
    );
}

#[test]
fn a_required_key_that_is_mistyped_is_one_problem_not_two() {
    let complaint = Scene::with("[[log]]\nnaem = 'a'\n").complaint();
    assert!(complaint.contains("unknown key `naem`") && !complaint.contains("missing"), "{complaint}");
}

#[test]
fn a_missing_key_points_at_its_table() {
    let complaint = Scene::with("limit = 1\n[[log]]\npaths = ['/a']\n").complaint();
    assert_eq!(complaint, "cannot use etc/testing.toml:2:1: `name` is missing\n  |\n2 | [[log]]\n  | ^^^^^^^");
}

#[test]
fn one_thing_where_a_list_belongs_is_answered_with_how_to_write_the_list() {
    let text = Scene::with("[[log]]\nname = 'a'\npaths = '/a'\n").complaint();
    assert!(text.contains("3:9: expected a list, found the text \"/a\"") && text.ends_with("hint: write [\"/a\"]"), "{text}");
    let table = Scene::with("[log]\nname = 'a'\n").complaint();
    assert!(table.contains("1:1: expected a list, found a table") && table.contains("two brackets"), "{table}");
}

#[test]
fn a_unit_says_what_is_wrong_with_it() {
    let complaint = Scene::with("[defaults]\nkeep = { count = 3, max-total = '10 MBs' }\n").complaint();
    assert!(complaint.starts_with("cannot use etc/testing.toml:2:33: `10 MBs`: unknown unit `MBs`, use B, KiB"), "{complaint}");
    assert!(complaint.ends_with(&format!("\n  | {}^^^^^^^^", " ".repeat(32))), "{complaint}");
}

#[test]
fn mistakes_with_named_values_are_explained() {
    let when = |text: &str| Scene::with(&format!("[[log]]\nname = 'a'\npaths = ['/a']\nwhen = {text}\n")).complaint();
    assert!(when("'nevr'").contains("4:8: unknown value `nevr`"));
    assert!(when("'nevr'").ends_with("hint: did you mean `never`?"));
    assert!(when("'any'").contains("4:8: `any` needs a value"));
    assert!(when("{ any = [], all = [] }").contains("4:10: `all` and `any` exclude each other"));
    assert!(when("{ anny = [] }").ends_with("hint: did you mean `any`?"));
    assert!(when("{ any = [1, 'x'] }").contains("4:20: `x`: write a number and a unit"));
    assert!(when("{}").contains("4:8: an empty table says nothing"));
    assert!(when("5").ends_with("hint: use one of `never`, `any`, `all`"));
}

#[test]
fn broken_syntax_is_shown_where_it_breaks_and_nothing_is_guessed_from_it() {
    let complaint = Scene::with("[[log]\nname = 'a'\n").file("user/testing.toml", "hosst = 1").complaint();
    assert!(complaint.contains("2 problems\netc/testing.toml:1:7: "), "{complaint}");
    assert!(complaint.contains("user/testing.toml:1:1: unknown key `hosst`"), "{complaint}");
    let twice = Scene::with("limit = 1\nlimit = 2\n").complaint();
    assert_eq!(twice, "cannot use etc/testing.toml:2:1: duplicate key\n  |\n2 | limit = 2\n  | ^^^^^");
}

#[test]
fn a_name_written_twice_in_one_file_is_a_slip() {
    let complaint = Scene::with("[[log]]\nname = 'a'\npaths = ['/a']\n[[log]]\nname = 'a'\npaths = ['/b']\n").complaint();
    assert!(complaint.contains("5:8: `a` is written twice in this file, first at etc/testing.toml:2"), "{complaint}");
}

#[test]
fn a_number_beyond_all_numbers_is_refused() {
    assert!(Scene::with("limit = 99999999999999999999\n").complaint().contains("1:9: this number is too large"));
}

#[test]
fn contradictions_are_shown_in_their_line() {
    let scene = Scene::with("[[log]]\nname = 'a'\npaths = ['/a', '/b']\n")
        .file("etc/testing.d/b.toml", "[[log]]\nname = 'b'\npaths = ['/c',\n  '/a']\nkeep.count = 0\n");
    let complaint = scene.complaint();
    let twice = "etc/testing.d/b.toml:4:3: `/a` is written twice\n  |\n4 |   '/a']\n  |   ^^^^\n";
    let nothing =
        "etc/testing.d/b.toml:5:14: keeps nothing\n  |\n5 | keep.count = 0\n  |              ^\n  hint: keep at least one";
    assert!(complaint.contains(twice) && complaint.contains(nothing), "{complaint}");
}

#[test]
fn a_contradiction_in_what_nobody_wrote_points_at_what_surrounds_it() {
    let complaint = Scene::with("[[log]]\nname = 'a'\n").complaint();
    assert_eq!(complaint, "cannot use etc/testing.toml:1:1: log[0].paths: names no file\n  |\n1 | [[log]]\n  | ^^^^^^^");
}

#[test]
fn wrong_variables_are_named() {
    let complaint = |name, value| Scene::new().variable(name, value).complaint();
    assert_eq!(
        complaint("OPSBELT_TESTING_HOTS", "x"),
        "cannot use environment OPSBELT_TESTING_HOTS: no setting has this name\nhint: did you mean OPSBELT_TESTING_HOST?"
    );
    assert_eq!(
        complaint("OPSBELT_TESTING_LOG", "x"),
        "cannot use environment OPSBELT_TESTING_LOG: `log` is more than a single value\nhint: write `log` in a settings file"
    );
    assert_eq!(
        complaint("OPSBELT_TESTING_LIMIT", "many"),
        "cannot use environment OPSBELT_TESTING_LIMIT: expected a whole number from 0 up, found the text \"many\""
    );
    assert!(complaint("OPSBELT_TESTING_HOST", "a\u{fffd}").contains("not UTF-8"));
}

#[test]
fn hostile_text_in_a_key_does_not_reach_the_terminal() {
    let complaint = Scene::with("\"\\u001b[31m\" = 1\n").complaint();
    assert!(complaint.contains("\\u{1b}[31m") && !complaint.contains('\u{1b}'), "{complaint}");
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    for text in ["a.".repeat(200_000) + "a = 1", format!("a = {}", "[".repeat(200_000)), "[[log]]\n".repeat(100_000)] {
        assert!(Scene::with(&text).failure().to_string().len() < 20_000);
    }
}

#[test]
fn a_file_full_of_mistakes_is_answered_shortly() {
    let twins = "[[log]]\nname = 'a'\n".repeat(50_000);
    assert!(Scene::with(&twins).complaint().len() < 10_000);
    let unknown: Vec<String> = (0..60_000).map(|number| format!("a{number} = 1")).collect();
    assert!(Scene::with(&unknown.join("\n")).complaint().contains("and 59980 more"));
}

proptest! {
    #[test]
    fn no_file_panics(text in "\\PC{0,40}|((host|limit|log|when|\\[\\[log\\]\\]|\\[defaults\\]|name|keep) ?[=.] ?('a'|5|\\[|\\]|\\{|\\}|ü|\"|\n|é = 1)*\n){0,5}") {
        let scene = Scene::with(&text);
        if let Err(failure) = scene.load() {
            prop_assert_eq!(failure.exit, Exit::BadInput);
        }
    }
}
