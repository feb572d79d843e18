//! What people type, command by command, for the end of each one's help. tests/completions.rs reads each line as the command line does.

pub(super) const SURVEY: &str = "\
Examples:
  ops-logs survey                         /var/log, /opt, /srv and /home
  ops-logs survey --root /data --top 50   one folder, more rows";

pub(super) const INIT: &str = "\
Examples:
  ops-logs init                                 to standard output
  ops-logs init --out /etc/opsbelt/logs.toml    to a file that must not be there";

pub(super) const PRESETS: &str = "\
Examples:
  ops-logs presets          their names
  ops-logs presets nginx    one of them, to copy from";

pub(super) const PLAN: &str = "\
Examples:
  ops-logs plan               what a run would do, and why
  ops-logs -v plan nginx      one set; also what stays, and why
  ops-logs plan --force       as if everything were due";

pub(super) const ROTATE: &str = "\
Examples:
  ops-logs rotate                    what is due; for cron and systemd timers
  ops-logs rotate nginx --force      one set now, due or not
  ops-logs rotate --finish           only what earlier runs began
  ops-logs rotate --method in-place  only sets that are rotated that way";

pub(super) const DRAIN: &str = "\
Examples:
  ops-logs drain --deadline 90s             all that ships, before the machine goes
  ops-logs drain --dry-run                  what that would be
  OPSBELT_LOGS_HOST=old ops-logs drain      what is here under another name of this machine";

pub(super) const SHIP: &str = "\
Examples:
  ops-logs ship                      what waits; for cron and systemd timers
  ops-logs ship --dry-run            what waits, and what it costs
  ops-logs ship --bandwidth 10MiB    no more than that a second";

pub(super) const DIRECT: &str = "\
Examples:
  ops-logs direct                      what waits; for cron and systemd timers
  ops-logs direct --dry-run            what would go
  ops-logs direct --bandwidth 10MiB    no more than that a second";

pub(super) const PRUNE: &str = "\
Examples:
  ops-logs prune                            what would go, and why
  ops-logs prune --apply                    remove it
  ops-logs prune web --host i-0abc          one set of a machine that is gone";

pub(super) const RESTORE: &str = "\
Examples:
  ops-logs restore web --since 2d --to /tmp
  ops-logs restore --host i-0abc --since 2026-11-20 --until 2026-11-21 --to -
  ops-logs restore web --store s3://acme-logs/fleet --to back";

pub(super) const STATUS: &str = "\
Examples:
  ops-logs status                   every log
  ops-logs --format json status     for machines";

pub(super) const VERIFY: &str = "\
Examples:
  ops-logs verify                                             every archive here
  ops-logs verify s3://acme-logs/fleet                        a store: every object is read
  ops-logs verify s3://acme-logs/fleet --quick --host i-0abc  sizes only, of one machine
  ops-logs verify s3://acme-logs/fleet --public-key heads.der --fresh 26h  by its signed heads";

pub(super) const POLICY: &str = "\
Examples:
  ops-logs iam-policy ship    for the role of the machines
  ops-logs iam-policy role    where the settings name a role: to take it on";

pub(super) const SQL: &str = "\
Examples:
  ops-logs sql duckdb                               the store of the settings
  ops-logs sql athena --store s3://acme-logs/fleet  another one";
