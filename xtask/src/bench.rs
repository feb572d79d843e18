//! demo
use crate::Outcome;
pub(crate) fn chore(_: &[String]) -> Outcome {
    Ok(())
}
