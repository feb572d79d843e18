//! The flags that every tool shares, and the commands that come with the house: `config`, `history`.

use std::{num::IntErrorKind, path::PathBuf};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::settings::units::Span;

/// A tool's command line.
#[derive(Parser)]
pub(crate) struct Cli<C: Subcommand> {
    #[command(flatten)]
    pub(crate) shared: Shared,
    #[command(subcommand)]
    pub(crate) word: Word<C>,
}

/// The tool's own commands, then the house's.
#[derive(Subcommand)]
pub(crate) enum Word<C: Subcommand> {
    #[command(flatten)]
    Tool(C),
    /// Check, show or describe the settings
    #[command(subcommand)]
    Config(Config),
    /// What earlier runs did, newest last
    History {
        /// How many runs to show
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = at_least_one)]
        last: usize,
    },
}

fn at_least_one(text: &str) -> Result<usize, &'static str> {
    match text.parse::<i128>() {
        Ok(..=0) => Err("say at least 1"),
        Ok(number) => usize::try_from(number).map_err(|_| "this number is too large"),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Err("this number is too large"),
        Err(_) => Err("this is not a number"),
    }
}

/// What can be asked of settings.
#[derive(Subcommand)]
pub(crate) enum Config {
    /// Read all settings files and name every problem with its line
    Check,
    /// The merged settings, with the origin of each value
    Show,
    /// The JSON Schema of the settings, for editors
    Schema,
}

/// Flags that mean the same in every tool.
#[derive(Args)]
#[command(next_help_heading = "Flags of every command")]
#[expect(clippy::struct_excessive_bools, reason = "flags are what bools are for")]
pub(crate) struct Shared {
    /// Read these settings (a file, or a folder of *.toml) instead of the standard ones
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Show what would be done, and do nothing
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Wait so long, `30s`, for another run that is at it, instead of ending with 75 at once
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) wait: Option<Span>,
    /// How to print the result: a table for people, or one JSON document
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table")]
    pub(crate) format: Format,
    /// Print nothing unless something went wrong
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Also list what needed nothing, with the reason
    #[arg(long, short, global = true, action = ArgAction::SetTrue)]
    pub(crate) verbose: bool,
    /// No progress bars, also on a terminal
    #[arg(long, global = true)]
    pub(crate) no_progress: bool,
    /// When to use colour; `NO_COLOR` is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

/// How a report is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

/// When to colour.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}
