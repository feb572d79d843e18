//! Stories through the real binary, by subject: what a user of `ops-logs` relies on.
//!
//! Each test makes a small tree, runs the binary as a timer or a person would, and looks at the disk, the
//! answer and the exit status. None looks inside the tool.
#![expect(
    clippy::unwrap_used,
    clippy::case_sensitive_file_extension_comparisons,
    reason = "a story fails loudly, and knows its names"
)]

mod support;

#[path = "ops_logs/adoption.rs"]
mod adoption;
#[path = "ops_logs/changed.rs"]
mod changed;
#[path = "ops_logs/collect.rs"]
mod collect;
#[path = "ops_logs/containers.rs"]
mod containers;
#[path = "ops_logs/cost.rs"]
mod cost;
#[path = "ops_logs/direct.rs"]
mod direct;
#[path = "ops_logs/direct_changes.rs"]
mod direct_changes;
#[path = "ops_logs/direct_drain.rs"]
mod direct_drain;
#[path = "ops_logs/drain.rs"]
mod drain;
#[path = "ops_logs/drain_left.rs"]
mod drain_left;
#[path = "ops_logs/due.rs"]
mod due;
#[path = "ops_logs/emptied.rs"]
mod emptied;
#[path = "ops_logs/file_systems.rs"]
mod file_systems;
#[path = "ops_logs/forgotten.rs"]
mod forgotten;
#[path = "ops_logs/full_disk.rs"]
mod full_disk;
#[path = "ops_logs/full_disk_in_place.rs"]
mod full_disk_in_place;
#[path = "ops_logs/gaps.rs"]
mod gaps;
#[path = "ops_logs/heads.rs"]
mod heads;
#[path = "ops_logs/hidden_writers.rs"]
mod hidden_writers;
#[path = "ops_logs/in_place.rs"]
mod in_place;
#[path = "ops_logs/keep.rs"]
mod keep;
#[path = "ops_logs/names.rs"]
mod names;
#[path = "ops_logs/output.rs"]
mod output;
#[path = "ops_logs/owners.rs"]
mod owners;
#[path = "ops_logs/places.rs"]
mod places;
#[path = "ops_logs/plan.rs"]
mod plan;
#[path = "ops_logs/prune.rs"]
mod prune;
#[path = "ops_logs/prune_doubt.rs"]
mod prune_doubt;
#[path = "ops_logs/prune_left.rs"]
mod prune_left;
#[path = "ops_logs/queries.rs"]
mod queries;
#[path = "ops_logs/recovery.rs"]
mod recovery;
#[path = "ops_logs/refusals.rs"]
mod refusals;
#[path = "ops_logs/restore.rs"]
mod restore;
#[path = "ops_logs/settings.rs"]
mod settings;
#[path = "ops_logs/ship.rs"]
mod ship;
#[path = "ops_logs/ship_batch.rs"]
mod ship_batch;
#[path = "ops_logs/ship_damaged.rs"]
mod ship_damaged;
#[path = "ops_logs/ship_days.rs"]
mod ship_days;
#[path = "ops_logs/ship_room.rs"]
mod ship_room;
#[path = "ops_logs/ship_trouble.rs"]
mod ship_trouble;
#[path = "ops_logs/ship_users.rs"]
mod ship_users;
#[path = "ops_logs/state.rs"]
mod state;
#[path = "ops_logs/stop.rs"]
mod stop;
#[path = "ops_logs/swap.rs"]
mod swap;
#[path = "ops_logs/tell.rs"]
mod tell;
#[path = "ops_logs/trouble.rs"]
mod trouble;
#[path = "ops_logs/verify_in_use.rs"]
mod verify_in_use;
#[path = "ops_logs/verify_store.rs"]
mod verify_store;
#[path = "ops_logs/volumes.rs"]
mod volumes;
#[path = "ops_logs/waiting.rs"]
mod waiting;
#[path = "ops_logs/words.rs"]
mod words;
