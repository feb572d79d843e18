//! Measures one process with everything it waits for: CPU, time, memory, system calls.
//!
//! GNU time reads the kernel's own account of the process; a clock of ours would count the other load too.

use std::{ffi::OsString, fs, path::Path, process::Command, time::Duration};

use crate::{Outcome, child, failed, place};

/// Longer than any run here takes; what hangs must not hang the benchmark.
const DEADLINE: Duration = Duration::from_mins(15);

/// What one run cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// From start to end.
    pub(crate) seconds: f64,
    /// User and system time.
    pub(crate) cpu: f64,
    /// The largest resident set.
    pub(crate) peak_mib: f64,
}

/// Runs `command` and says what it cost; it must succeed. `scratch` is a folder for the account.
pub(crate) fn cost(command: &Command, scratch: &Path) -> Outcome<Cost> {
    let account = scratch.join("time.txt");
    let time = place::program("time").ok_or_else(|| failed("GNU time is not installed"))?;
    // What earlier copies left to write would otherwise be paid for by whoever runs next.
    place::said(Command::new("sync").arg("-f").arg(scratch))?;
    run(command, time.into_os_string(), &["-f", "%e %U %S %M", "-o"], &account)?;
    let text = fs::read_to_string(&account).map_err(failed)?;
    read_cost(&text).ok_or_else(|| failed(format!("GNU time wrote {text:?}")))
}

fn read_cost(text: &str) -> Option<Cost> {
    let numbers: Vec<f64> = text.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let [seconds, user, system, kib] = numbers[..] else { return None };
    Some(Cost { seconds, cpu: user + system, peak_mib: kib / 1024.0 })
}

/// How many system calls `command` makes, with all its threads and children.
pub(crate) fn system_calls(command: &Command, scratch: &Path) -> Outcome<f64> {
    let account = scratch.join("strace.txt");
    run(command, "strace".into(), &["-f", "-c", "-o"], &account)?;
    let text = fs::read_to_string(&account).map_err(failed)?;
    read_calls(&text).ok_or_else(|| failed(format!("strace wrote no total: {text}")))
}

fn read_calls(text: &str) -> Option<f64> {
    let total = text.lines().find(|line| line.trim_end().ends_with(" total"))?;
    total.split_whitespace().nth(3)?.parse().ok()
}

fn run(command: &Command, meter: OsString, options: &[&str], account: &Path) -> Outcome {
    let mut metered = Command::new(meter);
    metered.args(options).arg(account).arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        metered.env(name, value.unwrap_or_default());
    }
    let mut said = String::new();
    let end = child::stream(&mut metered, DEADLINE, &mut |_, line| line.clone_into(&mut said)).map_err(failed)?;
    if end.is_good() { Ok(()) } else { Err(failed(format!("{command:?} ended with {end:?}: {said}"))) }
}

/// The middle one; of two middle ones the mean.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read() {
        assert_eq!(read_cost("1.50 0.25 0.50 2048\n"), Some(Cost { seconds: 1.5, cpu: 0.75, peak_mib: 2.0 }));
        assert_eq!(read_cost("Command exited with non-zero status 1\n1.50 0.25 0.50 2048\n"), None);
        let table = "% time     seconds  usecs/call     calls    errors syscall\n------\n 50.00 0.01 3 12 2 openat\n------\n100.00    0.000002           1       123         4 total\n";
        assert_eq!(read_calls(table), Some(123.0));
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median([9.0, 1.0, 3.0]) - 3.0).abs() < f64::EPSILON);
        assert!((median([1.0, 4.0, 2.0, 9.0]) - 3.0).abs() < f64::EPSILON);
    }
}
