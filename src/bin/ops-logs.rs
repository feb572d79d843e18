//! ops-logs: rotates logs and never loses one.

use std::process::ExitCode;

fn main() -> ExitCode {
    opsbelt::launch::launch::<opsbelt::tools::logs::Logs>()
}
