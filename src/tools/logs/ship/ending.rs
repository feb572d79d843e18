//! How a run that ships comes to its end, whichever way it ships: what is said when nothing is left to do, and what is told of a failure.

use super::Ship;
use crate::{
    failure::{Exit, Failure, Result},
    report::{Finding, Incomplete, Outcome, Report, Step},
    run::Run,
    tools::logs::{manifest::register::Register, patience::Patience},
};

/// The last words to the store: the segment of a day without one, and that it is the last.
pub(in crate::tools::logs) fn conclude(
    ship: &Ship,
    run: &Run,
    register: &mut Register,
    patience: &Patience,
    report: &mut Report,
) -> Result<()> {
    let now = run.clock.now();
    // A day without a segment would look like a tail that is missing.
    if register.last_day().is_some_and(|day| day < now.date_naive()) && patience.is_whole() {
        register.say(now, Vec::new(), &[])?;
    }
    if patience.is_over() {
        let why = format!("{} failures in a row: the rest is left to the next run", Patience::FAILURES);
        report.incomplete.push(Incomplete::new(ship.store.to_string(), why));
    }
    // Last, because nothing that waits may wait for it.
    if let Some(with) = &ship.sign_key
        && patience.is_whole()
        && !run.shutdown.asked()
    {
        register.sign_end(with, now, report);
    }
    Ok(())
}

/// That the run could not go on.
pub(in crate::tools::logs) fn broken_off(failure: &Failure, report: &mut Report) {
    report.findings.extend(of_a_person("logs.manifest-differs", failure));
    report.incomplete.push(failure.into());
}

/// That one thing failed, and the others went on; or that it is the next run's, for somebody asked to stop.
pub(in crate::tools::logs) fn failed(action: &'static str, subject: impl Into<String>, failure: &Failure, report: &mut Report) {
    report.findings.extend(of_a_person("logs.object-differs", failure));
    let outcome = if failure.is_given_up() { Outcome::Waiting } else { Outcome::Failed };
    report.steps.push(Step::new(action, subject.into(), outcome, failure.told()));
}

/// What is in the store is not what it should be: only a person can tell why.
fn of_a_person(id: &'static str, failure: &Failure) -> Option<Finding> {
    (failure.exit == Exit::PersonNeeded).then(|| Finding::of(id, failure.what.clone(), failure))
}
