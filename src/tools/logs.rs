//! ops-logs: rotate logs, compress them, keep what the rules say, prove what was kept.

mod command;
pub mod containers;
pub mod cost;
pub mod direct;
mod drain;
mod fetch;
mod heirs;
pub mod init;
pub mod ledger;
pub mod logrotate;
pub mod manifest;
pub mod paper;
pub mod parcel;
pub mod patience;
pub mod policy;
pub mod presets;
pub mod prune;
pub mod restore;
pub mod rotate;
pub mod settings;
pub mod ship;
pub mod spool;
pub mod sql;
pub mod status;
pub mod survey;
mod tasks;
pub mod verify;
pub mod when;

use self::{command::Command, settings::Settings};
use crate::{
    failure::Result,
    report::Finding,
    settings::Loaded,
    tool::{Contradiction, Effective, Task, Tool},
};

/// The tool.
pub struct Logs;

impl Tool for Logs {
    const NAME: &'static str = "ops-logs";
    const SUBJECT: &'static str = "logs";
    const ABOUT: &'static str = "Rotates logs and never loses one: every archive is proven before its log goes";
    const EXAMPLES: &'static str = "\
Examples:
  ops-logs survey                    what is true of this machine's logs
  ops-logs init > logs.toml          settings to start from
  ops-logs plan                      what a run would do, and why
  ops-logs rotate                    do it; for cron and systemd timers
  ops-logs rotate nginx --force      one set now, due or not
  ops-logs --format json status      for machines
  ops-logs verify                    prove every archive anew
  ops-logs sql duckdb                the store as a table, one row for each line
  ops-logs --config ./l.toml plan    settings from elsewhere

Settings, later ones win:
  /etc/opsbelt/logs.toml, /etc/opsbelt/logs.d/*.toml, ~/.config/opsbelt/logs.toml
  --config                           instead of these files; the state stays where it is
  OPSBELT_LOGS_HOST                  `host`; so too ..._LOGROTATE and ..._PARALLEL

Environment:
  STATE_DIRECTORY                    the state folder, as systemd sets it
  XDG_STATE_HOME, XDG_CONFIG_HOME    instead of ~/.local/state and ~/.config
  HOME                               what ~ stands for here
  NO_COLOR, TERM=dumb                no colour

Files:
  /etc/opsbelt, ~/.config/opsbelt    settings
  /var/lib/opsbelt/logs              the state folder of root, and
  ~/.local/state/opsbelt/logs        of other users. In it:
  ledger.jsonl                       what was rotated and archived, with SHA-256
  history.jsonl                      earlier runs
  logs-rotate.lock                   held by the run at work";
    type Command = Command;
    type Settings = Settings;

    fn check(settings: &Settings) -> Vec<Contradiction> {
        settings::check(settings)
    }

    fn foreign(key: &str, value: &str) -> Option<String> {
        settings::foreign(key, value)
    }

    fn misfit(key: &str, value: &str) -> Option<String> {
        settings::misfit(key, value)
    }

    fn check_work(settings: &Loaded<Settings>) -> Result<()> {
        tasks::some(settings).map(drop)
    }

    fn effective(settings: &Settings) -> Effective<Settings> {
        settings::effective(settings)
    }

    fn notes(settings: &Settings) -> Vec<Finding> {
        settings::notes(settings)
    }

    fn host(settings: &Settings) -> Option<&str> {
        settings.host.as_deref()
    }

    fn task(command: Command, load: &dyn Fn() -> Result<Loaded<Settings>>) -> Result<Task> {
        tasks::task(command, load)
    }
}
