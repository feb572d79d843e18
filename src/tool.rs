//! What `launch` needs to know of a tool, and nothing more.
//!
//! A command is a change or a query. A change gathers facts, decides a plan from them, and carries it
//! out; `launch` alone decides whether the last step happens. A query only answers. A stream is a query with the
//! plan of a change: what it carries out is the answer itself.

use std::{collections::BTreeMap, time::Duration};

use clap::Subcommand;
use schemars::JsonSchema;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    failure::Result,
    report::{Finding, Report},
    run::Run,
    settings::Loaded,
};

/// A binary of the belt.
pub trait Tool {
    /// The binary's name: `ops-logs`.
    const NAME: &'static str;
    /// The name without the family: `logs`. Names settings files, state and schemas.
    const SUBJECT: &'static str;
    /// One line for `--help`.
    const ABOUT: &'static str;
    /// Paragraphs for the end of `--help`, examples first. In the manual each is a section of the name that it begins with.
    const EXAMPLES: &'static str;
    /// The tool's own subcommands.
    type Command: Subcommand;
    /// What its TOML files may say.
    type Settings: DeserializeOwned + Serialize + JsonSchema + Default;

    /// Settings that parsed but contradict themselves: a path written twice, a size of nothing.
    /// Each problem names its key path (`log[2].paths`); `launch` finds the line.
    fn check(settings: &Self::Settings) -> Vec<Contradiction>;

    /// What to write here instead of a key that people know from another program, if it is one of those. The value is the
    /// text, number or word that was written under it; nothing for a list or a table.
    fn foreign(_key: &str, _value: &str) -> Option<String> {
        None
    }

    /// What to write instead of a value that a key of the tool's cannot have, if it is plain what was meant.
    fn misfit(_key: &str, _value: &str) -> Option<String> {
        None
    }

    /// The settings with every gap filled by what holds there, for `config show`.
    fn effective(settings: &Self::Settings) -> Effective<Self::Settings>;

    /// Refuses sound settings that name nothing to work on, as a command that has work to do would.
    fn check_work(_settings: &Loaded<Self::Settings>) -> Result<()> {
        Ok(())
    }

    /// What is worth knowing of sound settings: notes, which ask for nobody.
    fn notes(_settings: &Self::Settings) -> Vec<Finding> {
        Vec::new()
    }

    /// The machine's name, where the settings give it one.
    fn host(_settings: &Self::Settings) -> Option<&str> {
        None
    }

    /// Turns what was typed into a task. `settings` loads on demand, so that a command that needs none
    /// works beside a broken file.
    fn task(command: Self::Command, settings: &dyn Fn() -> Result<Loaded<Self::Settings>>) -> Result<Task>;
}

/// Settings in which nothing is left to be thought.
pub struct Effective<S> {
    /// The settings; read again, they mean the same.
    pub settings: S,
    /// Who gave what was not written in its place, by its key path (`log[2].keep`). What is not in here is built in.
    pub lenders: BTreeMap<String, Lender>,
    /// What an empty table means, by its key path.
    pub meanings: BTreeMap<String, &'static str>,
}

/// Who gives a value that was not written in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lender {
    /// The value at another key path.
    Key(String),
    /// Something that comes with the tool: `preset nginx`.
    BuiltIn(String),
}

/// Settings that cannot mean anything, whatever the machine looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Where: a dotted key path such as `log[2].paths[0]`.
    pub key: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// What a subcommand turned out to be.
pub enum Task {
    /// Alters the machine, unless only the plan was asked for.
    Change(Box<dyn AnyChange>),
    /// Shows what a change would do, and never does it.
    Plan(Box<dyn AnyChange>),
    /// Writes to `run.out` what it carries out, and that is the whole answer, unless only the plan was asked for. Alters nothing, so nobody
    /// waits for it, and nothing of it is remembered.
    Stream(Box<dyn AnyChange>),
    /// Answers a question.
    Query(Box<dyn Query>),
}

/// Gather, decide, carry out.
pub trait Change {
    /// The decisions, each with its reason.
    type Plan;

    /// Schema of its report, such as `opsbelt.logs.rotate/1`.
    fn schema(&self) -> &'static str;
    /// What a run is called in the history.
    fn job(&self) -> &'static str;
    /// The job whose lock a run holds: another one's, when both write to the same. Planning takes no lock.
    fn lock(&self) -> &'static str {
        self.job()
    }
    /// Asks the world once and decides. Must not alter anything.
    fn plan(&self, run: &Run) -> Result<Self::Plan>;
    /// The plan as a report, nothing done.
    fn show(&self, run: &Run, plan: &Self::Plan) -> Report;
    /// Walks the plan; one item's trouble is one step's trouble.
    fn carry_out(&self, run: &Run, plan: Self::Plan) -> Result<Report>;
}

/// A [`Change`] whose plan stays its own business.
pub trait AnyChange {
    /// See [`Change::schema`].
    fn schema(&self) -> &'static str;
    /// See [`Change::job`].
    fn job(&self) -> &'static str;
    /// See [`Change::lock`].
    fn lock(&self) -> &'static str;
    /// How long to wait for another run of that job, where nobody says.
    fn patience(&self) -> Duration {
        Duration::ZERO
    }
    /// Gathers and decides, and shows what would be done.
    fn preview(&self, run: &Run) -> Result<Report>;
    /// Gathers, decides, carries out.
    fn perform(&self, run: &Run) -> Result<Report>;
}

impl<C: Change> AnyChange for C {
    fn schema(&self) -> &'static str {
        Change::schema(self)
    }

    fn job(&self) -> &'static str {
        Change::job(self)
    }

    fn lock(&self) -> &'static str {
        Change::lock(self)
    }

    fn preview(&self, run: &Run) -> Result<Report> {
        let plan = self.plan(run)?;
        Ok(self.show(run, &plan))
    }

    fn perform(&self, run: &Run) -> Result<Report> {
        let plan = self.plan(run)?;
        self.carry_out(run, plan)
    }
}

/// Answers from what is there; alters nothing.
pub trait Query {
    /// Schema of its report; None when what it writes to `run.out` is the whole answer.
    fn schema(&self) -> Option<&'static str>;
    /// The answer. Rows or bytes that are the answer themselves go to `run.out`.
    fn answer(&self, run: &Run) -> Result<Report>;
}
