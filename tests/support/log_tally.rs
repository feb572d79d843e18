//! Counts for a benchmark what is left of the lines that `log-writer` wrote: the tests' own tally as a program.
//!
//! `log-tally [--head BYTES] [--writer ID=LINES]... FILE...`, the live file last; its first BYTES do not count. Prints
//! `intact N lost N twice N garbled N`. It judges nothing and changes nothing.

#[expect(dead_code, unreachable_pub, reason = "the tests use the rest")]
mod tally;

#[expect(dead_code, reason = "the writer composes what we read")]
mod line;

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use tally::Tally;

fn main() -> ExitCode {
    let told = Orders::from_args(std::env::args().skip(1)).map_err(io::Error::other).and_then(|orders| count(&orders));
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "log-tally: {error}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Default)]
struct Orders {
    head: u64,
    written: BTreeMap<u32, u64>,
    files: Vec<PathBuf>,
}

impl Orders {
    fn from_args(mut args: impl Iterator<Item = String>) -> Result<Orders, String> {
        let mut orders = Orders::default();
        while let Some(word) = args.next() {
            match word.as_str() {
                "--head" | "--writer" => {
                    let value = args.next().ok_or_else(|| format!("{word} needs a value"))?;
                    orders.take(&word, &value).ok_or_else(|| format!("{word} {value}: not understood"))?;
                }
                _ => orders.files.push(word.into()),
            }
        }
        Ok(orders)
    }

    fn take(&mut self, flag: &str, value: &str) -> Option<()> {
        if flag == "--head" {
            self.head = value.parse().ok()?;
        } else {
            let (id, lines) = value.split_once('=')?;
            self.written.insert(id.parse().ok()?, lines.parse().ok()?);
        }
        Some(())
    }
}

fn count(orders: &Orders) -> io::Result<()> {
    let Tally { intact, lost, twice, garbled, complaints, .. } = Tally::after_head(&orders.files, orders.head, &orders.written);
    for complaint in complaints {
        writeln!(io::stderr(), "{complaint}")?;
    }
    writeln!(io::stdout(), "intact {intact} lost {lost} twice {twice} garbled {garbled}")
}
