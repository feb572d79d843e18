//! The only code that touches the process: reads flags and settings, builds the [`Run`], takes the lock,
//! decides between showing and doing, renders, and ends with an exit code. Names no tool.

mod ask;
mod flags;
mod history;
mod signals;

use std::{
    cell::OnceCell,
    env,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::{CommandFactory, FromArgMatches};

use self::flags::{Cli, Color, Config, Format, Shared, Word};
use crate::{
    failure::{Doing, Exit, Failure, Result},
    files::{kernel, lock::Lock, wait},
    report::{
        Cell, Report, Table, json,
        record::{FORMAT, Record},
        safe, table,
    },
    run::{Clock, Out, Progress, Run, Shutdown, State, host},
    settings::{self, Sources, units::Span},
    tool::{AnyChange, Task, Tool},
};

/// So often a lock that another run holds is asked for.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs tool `T` with this process's arguments, and says how to end.
pub fn launch<T: Tool>() -> ExitCode {
    kernel::give_back_memory();
    let cli = match command::<T>().try_get_matches().and_then(|matches| Cli::<T::Command>::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; anything else is bad input. A closed pipe changes neither.
            let exit = if error.use_stderr() { Exit::BadInput } else { Exit::Done };
            let _ = error.print();
            return ExitCode::from(exit.code());
        }
    };
    ExitCode::from(Launch::<T>::new(cli.shared).end(cli.word).code())
}

/// The command line of tool `T`: help, completions and manual come from it.
pub fn command<T: Tool>() -> clap::Command {
    Cli::<T::Command>::command()
        .name(T::NAME)
        .about(T::ABOUT)
        .version(env!("CARGO_PKG_VERSION"))
        .arg_required_else_help(true)
        .mut_subcommands(with_exits)
        .after_help(format!("{}\n\n{}", T::EXAMPLES, Exit::HELP))
}

/// Whoever writes a timer or a pipeline stage asks one command for its help, so each says how it ends, after its own examples.
fn with_exits(command: clap::Command) -> clap::Command {
    let own = command.get_after_help().map(|own| format!("{own}\n\n")).unwrap_or_default();
    command.mut_subcommands(with_exits).after_help(format!("{own}{}", Exit::HELP))
}

/// What one launch holds on to.
struct Launch<T: Tool> {
    shared: Shared,
    /// The machine's name in the settings, once they are read.
    host: OnceCell<String>,
    tool: std::marker::PhantomData<T>,
}

/// A task carried through: what it said, under which name. Without a name the answer was given already.
#[derive(Default)]
struct Ended {
    schema: Option<String>,
    job: String,
    report: Report,
    failure: Option<Failure>,
    remembered: bool,
}

impl<T: Tool> Launch<T> {
    fn new(shared: Shared) -> Launch<T> {
        Launch { shared, host: OnceCell::new(), tool: std::marker::PhantomData }
    }

    fn end(&self, word: Word<T::Command>) -> Exit {
        let run = self.run();
        if let Err(failure) = signals::listen(&run.shutdown) {
            return Self::complain(&failure);
        }
        ask::listen(&run.shutdown);
        let mut record = Self::record(&run);
        let ended = match word {
            Word::Config(config) => self.config(&config, &run),
            Word::History { last } => Self::history(&run, last),
            Word::Tool(command) => self.task(command, &run),
        };
        let ended = ended.unwrap_or_else(|failure| Ended {
            schema: Some(format!("opsbelt.{}/1", T::SUBJECT)),
            failure: Some(failure),
            ..Ended::default()
        });
        let mut exit = ended.failure.as_ref().map_or_else(|| ended.report.exit(), |failure| failure.exit);
        if let Some(signal) = run.shutdown.asked_by() {
            exit = exit.and(Exit::Signal(signal));
        }
        ended.job.clone_into(&mut record.job);
        if let Some(host) = self.host.get() {
            host.clone_into(&mut record.host);
        }
        record.close(run.clock.now(), &ended.report, ended.failure.as_ref(), exit);
        if ended.remembered {
            record.notice(&ended.report);
        }
        self.tell(&run, &record, &ended, exit)
    }

    fn run(&self) -> Run {
        let quiet_work = self.shared.no_progress || self.shared.quiet || !io::stderr().is_terminal();
        Run {
            clock: Clock::System,
            progress: if quiet_work { Progress::silent() } else { Progress::on_terminal() },
            shutdown: Shutdown::default(),
            out: Out::to(io::stdout()),
            state: State::of(T::SUBJECT),
            every_item: self.shared.verbose || self.shared.format == Format::Json,
        }
    }

    fn record(run: &Run) -> Record {
        let started = run.clock.now();
        Record {
            format: FORMAT.to_owned(),
            id: format!("{}-{}", started.format("%Y%m%dT%H%M%S%.3fZ"), std::process::id()),
            tool: T::NAME.to_owned(),
            job: String::new(),
            host: host::local(),
            started,
            seconds: 0.0,
            exit: Exit::Done,
            steps: std::collections::BTreeMap::new(),
            summary: String::new(),
            errors: Vec::new(),
            findings: Vec::new(),
        }
    }

    fn task(&self, command: T::Command, run: &Run) -> Result<Ended> {
        let load = || {
            let loaded = settings::load::<T>(&self.sources())?;
            if let Some(host) = T::host(&loaded.value) {
                self.host.get_or_init(|| host.to_owned());
            }
            Ok(loaded)
        };
        let (schema, job, outcome, remembered) = match T::task(command, &load)? {
            Task::Change(change) if !self.shared.dry_run => {
                let outcome = self.perform(change.as_ref(), run);
                let remembered = !matches!(&outcome, Err(failure) if failure.exit == Exit::Busy);
                (Some(change.schema()), change.job(), outcome, remembered)
            }
            Task::Stream(stream) if !self.shared.dry_run => (None, "", stream.perform(run), false),
            Task::Change(change) | Task::Plan(change) | Task::Stream(change) => {
                (Some(change.schema()), change.job(), change.preview(run), false)
            }
            Task::Query(query) => (query.schema(), "", query.answer(run), false),
        };
        let (report, failure) = match outcome {
            Ok(report) => (report, None),
            Err(failure) => (Report::default(), Some(failure)),
        };
        Ok(Ended { schema: schema.map(str::to_owned), job: job.to_owned(), report, failure, remembered })
    }

    fn perform(&self, change: &dyn AnyChange, run: &Run) -> Result<Report> {
        // In the state folder, because that is what two runs must not share.
        let path = run.state.make()?.join(format!("{}-{}.lock", T::SUBJECT, change.lock()));
        let until = Instant::now() + self.shared.wait.map_or_else(|| change.patience(), Span::duration);
        loop {
            let since = run.clock.now().format("%Y-%m-%d %H:%M:%S UTC");
            let claim = format!("{} {} (pid {}, since {since})", T::NAME, change.job(), std::process::id());
            match Lock::take(&path, &claim)? {
                Ok(_held) => return change.perform(run),
                Err(_) if Instant::now() < until && !run.shutdown.asked() => {
                    wait::pause(PAUSE.min(until.saturating_duration_since(Instant::now()))).doing("wait for", path.display())?;
                }
                Err(holder) => {
                    return Err(Failure::new(change.job(), "now")
                        .because(format!("busy: {} holds {}", safe(&holder.0), path.display()))
                        .hint("wait until it ends (--wait 1h); runs of one job never overlap")
                        .exit(Exit::Busy));
                }
            }
        }
    }

    fn config(&self, config: &Config, run: &Run) -> Result<Ended> {
        let text = match config {
            Config::Check => {
                let schema = Some(format!("opsbelt.{}.config/1", T::SUBJECT));
                let report = settings::config::check::<T>(&self.sources())?;
                return Ok(Ended { schema, job: "config".to_owned(), report, ..Ended::default() });
            }
            Config::Show if self.shared.format == Format::Json => {
                format!("{:#}\n", settings::config::show_json::<T>(&self.sources())?)
            }
            Config::Show => settings::config::show::<T>(&self.sources())?,
            Config::Schema => settings::config::schema::<T>(),
        };
        run.out.write(&text)?;
        Ok(Ended::default())
    }

    fn history(run: &Run, last: usize) -> Result<Ended> {
        let records = history::read(&run.state, last)?;
        let row = |record: &Record| {
            let text = |text: &str| Cell::Text(text.to_owned());
            vec![
                Cell::Time(record.started),
                text(&record.job),
                Cell::Seconds(record.seconds),
                Cell::Count(record.exit.code().into()),
                text(&record.told()),
            ]
        };
        let table = Table {
            name: "runs",
            title: String::new(),
            columns: vec!["started", "job", "took", "exit", "summary"],
            rows: records.iter().map(row).collect(),
        };
        let summary = if records.is_empty() { "no run is recorded yet".to_owned() } else { String::new() };
        let report = Report { tables: vec![table], summary, ..Report::default() };
        Ok(Ended { schema: Some(format!("opsbelt.{}.history/1", T::SUBJECT)), report, ..Ended::default() })
    }

    fn sources(&self) -> Sources {
        Sources::standard(T::SUBJECT, self.shared.config.as_deref())
    }

    /// Prints the result, remembers the run, and says how to end.
    fn tell(&self, run: &Run, record: &Record, ended: &Ended, exit: Exit) -> Exit {
        if ended.remembered
            && let Err(failure) = history::remember(&run.state, record)
            && ended.failure.as_ref() != Some(&failure)
        {
            Self::complain(&failure);
        }
        let json = ended.schema.as_deref().filter(|_| self.shared.format == Format::Json);
        let text = match (json, self.shared.quiet && exit == Exit::Done) {
            (Some(schema), _) => json::render(schema, record, &ended.report, ended.failure.as_ref()),
            (None, true) => String::new(),
            (None, false) => table::render(&ended.report, self.look()),
        };
        if let Some(failure) = &ended.failure {
            Self::complain(failure);
        }
        match run.out.write(&text) {
            Ok(()) => exit,
            Err(failure) => exit.and(Self::complain(&untold(failure, ended.remembered))),
        }
    }

    fn look(&self) -> table::Look {
        let told = match (self.shared.quiet, self.shared.verbose) {
            (true, _) => table::Told::Troubles,
            (false, true) => table::Told::Everything,
            (false, false) => table::Told::Acts,
        };
        table::Look { color: self.color(), told }
    }

    fn color(&self) -> bool {
        let wanted = || {
            env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && env::var_os("TERM").is_none_or(|term| term != "dumb")
        };
        match self.shared.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => io::stdout().is_terminal() && wanted(),
        }
    }

    fn complain(failure: &Failure) -> Exit {
        // Somebody who closed standard error does not want to know.
        let mut stderr = io::stderr().lock();
        let lines = |text: &str| text.lines().map(safe).collect::<Vec<_>>().join("\n");
        let _ = writeln!(stderr, "{}: {}", T::NAME, lines(&failure.to_string()));
        if let Some(hint) = &failure.hint {
            let _ = writeln!(stderr, "hint: {}", lines(hint));
        }
        failure.exit
    }
}

/// A result that could not be told. What was done by then is done: only the telling is missing.
fn untold(failure: Failure, done: bool) -> Failure {
    let failure = Failure { what: "the result".to_owned(), ..failure };
    if done { failure.hint("the work is done, and `history` has what came of it").exit(Exit::Partial) } else { failure }
}
