//! What people may write, and what they are told otherwise.

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Settings {
    when: When,
}

fn read(line: &str) -> When {
    toml::from_str::<Settings>(line).unwrap().when
}

fn refused(line: &str) -> String {
    toml::from_str::<Settings>(line).unwrap_err().to_string()
}

#[test]
fn one_trigger_is_enough() {
    for (text, trigger) in [
        ("hourly", Trigger::Every(Period::Hourly)),
        ("yearly", Trigger::Every(Period::Yearly)),
        ("100 MiB", Trigger::Size(Bytes(100 << 20))),
        ("7d", Trigger::Age(Span::days(7))),
        ("1m", Trigger::Age(Span::seconds(60))),
    ] {
        assert_eq!(read(&format!("when = \"{text}\"")), When::from(Triggers::Any(vec![trigger])), "{text}");
    }
}

#[test]
fn a_table_combines_and_guards() {
    let when = read("when = { all = [\"daily\", \"1 MiB\"], min-size = \"1 KiB\", min-age = \"1h\", skip-empty = false }");
    let triggers = Triggers::All(vec![Trigger::Every(Period::Daily), Trigger::Size(Bytes(1 << 20))]);
    let expected = When { triggers, min_size: Some(Bytes(1024)), min_age: Some(Span::seconds(3_600)), skip_empty: false };
    assert_eq!(when, expected);
    assert_eq!(read("when = { any = [\"daily\", \"100 MiB\"] }"), When::default());
}

#[test]
fn what_it_cannot_mean_is_refused_with_the_place() {
    for (line, expected) in [
        ("when = { any = [\"daily\"], all = [\"daily\"] }", "write `any` or `all`, not both"),
        ("when = { min-size = \"1 KiB\" }", "name what makes a log due"),
        ("when = {}", "name what makes a log due"),
        ("when = { any = [] }", "an empty list makes no log due"),
        ("when = [\"daily\", \"1 MiB\"]", "a bare list does not say whether one is enough"),
        ("when = { any = [\"daily\"], min_size = \"1 KiB\" }", "unknown field `min_size`"),
        ("when = \"dayly\"", "`dayly`: unknown trigger, did you mean `daily`?"),
        ("when = \"Daily\"", "did you mean `daily`?"),
        ("when = \"100 M\"", "`100 M`: write `100 MiB`"),
        ("when = \"100\"", "`100`: use hourly"),
        ("when = \"0\"", "`0`: use hourly"),
        ("when = \"\"", "``: use hourly"),
        ("when = \"0 MiB\"", "`0 MiB`: must be more than nothing"),
        ("when = \"0d\"", "`0d`: must be more than nothing"),
        ("when = { any = [\"daily\", 100] }", "invalid type: integer `100`, expected a trigger such as"),
        ("when = 100", "invalid type: integer `100`, expected a trigger such as \"daily\" or \"100 MiB\", or a table with"),
    ] {
        let message = refused(line);
        assert!(message.contains(expected), "{line}: {message}");
        assert!(message.contains("line 1, column"), "{message}");
    }
}

#[test]
fn a_message_quotes_only_the_beginning_of_a_long_text() {
    assert!("x".repeat(5000).parse::<Trigger>().unwrap_err().len() < 250);
}

#[test]
fn what_is_written_reads_back() {
    for line in [
        "when = \"daily\"\n",
        "when = \"100 MiB\"\n",
        "when = { any = [\"daily\", \"100 MiB\"] }",
        "when = { all = [\"daily\"] }",
        "when = { any = [\"weekly\", \"7d\"], min-size = \"1 KiB\", min-age = \"1h\", skip-empty = false }",
    ] {
        let settings: Settings = toml::from_str(line).unwrap();
        let written = toml::to_string(&settings).unwrap();
        assert_eq!(toml::from_str::<Settings>(&written).unwrap(), settings, "{written}");
        assert!(line.starts_with("when = {") || written == line, "{written}");
    }
}

#[test]
fn the_schema_knows_both_forms() {
    let schema = serde_json::to_value(schemars::schema_for!(When)).unwrap();
    assert_eq!(schema["anyOf"][0]["$ref"], "#/$defs/Trigger");
    let table = &schema["$defs"]["WhenTable"];
    assert_eq!(table["oneOf"][1]["required"][0], "all");
    assert_eq!(table["additionalProperties"], false);
    assert_eq!(table["properties"]["any"]["minItems"], 1);
    assert!(table["properties"]["min-size"].is_object());
    for example in schema["$defs"]["Trigger"]["examples"].as_array().unwrap() {
        assert!(example.as_str().unwrap().parse::<Trigger>().is_ok());
    }
}
