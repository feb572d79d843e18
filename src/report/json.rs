//! The report for machines: one envelope, additive within a major version of its schema.

use serde::Serialize;

use super::{Report, record::Record};
use crate::failure::{Exit, Failure};

#[derive(Serialize)]
struct Envelope<'a> {
    schema: &'a str,
    run: &'a Record,
    exit: Ending,
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a Failure>,
}

#[derive(Serialize)]
struct Ending {
    code: u8,
    why: Exit,
}

/// The whole document, with a final newline.
pub fn render(schema: &str, record: &Record, report: &Report, failure: Option<&Failure>) -> String {
    let exit = Ending { code: record.exit.code(), why: record.exit };
    let envelope = Envelope { schema, run: record, exit, report, failure };
    let mut text = serde_json::to_string_pretty(&envelope).expect("a report has string keys and finite numbers only");
    text.push('\n');
    text
}
