//! Finds, reads, merges and checks TOML settings, for any tool.
//!
//! Layers, later wins: the defaults of the type, `/etc/opsbelt/<subject>.toml`, `<subject>.d/*.toml`, the user's file, the
//! environment; `--config` replaces all files. Every value keeps its origin, so whatever is wrong is shown in its
//! line. Nothing here knows a tool's keys, and nothing here looks at the machine that the settings speak of.

pub mod config;
mod environment;
mod file;
mod merge;
mod origin;
mod problem;
mod reader;
mod shape;
mod sources;
pub(crate) mod suggest;
#[cfg(test)]
mod tests;
mod tree;
pub mod units;

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use self::{
    origin::Step,
    problem::Problem,
    reader::Refusal,
    shape::{Foreign, Schema, Shape},
    tree::{Node, Value},
};
pub use self::{
    origin::{Origin, Origins, Spot},
    sources::Sources,
};
use crate::{
    failure::Result,
    tool::{Contradiction, Tool},
};

/// What to write instead of a value that a key cannot have.
type Misfit = fn(&str, &str) -> Option<String>;

/// Settings that were found, merged and checked.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// The merged settings.
    pub value: T,
    /// Where each value was written.
    pub origins: Origins,
    /// The files that were read, in the order they were laid over each other.
    pub files: Vec<PathBuf>,
    /// Where files were looked for.
    pub places: Vec<PathBuf>,
}

impl<T> Loaded<T> {
    /// What was named instead of the standard places, of which there are several.
    pub fn named(&self) -> Option<&Path> {
        if let [named] = &self.places[..] { Some(named) } else { None }
    }
}

/// The settings of a tool, or a failure that names every problem in them.
pub fn load<T: Tool>(sources: &Sources) -> Result<Loaded<T::Settings>> {
    let read = sources.files(T::SUBJECT)?;
    let files = read.iter().map(|file| file.path.clone()).collect();
    let schema = Schema::of::<T::Settings>();
    let shape = schema.shape();

    let mut problems = Vec::new();
    let mut layers: Vec<Node> = read.into_iter().map(|file| Node::of_file(file, &mut problems)).collect();
    layers.push(environment::layer(T::SUBJECT, &sources.env, &shape, &mut problems));
    let tree = merged(layers, &shape, T::foreign, &mut problems);
    let (value, tree) = typed::<T::Settings>(tree, T::misfit, &mut problems);
    let origins = Origins(tree);
    if let (Some(value), true) = (&value, problems.is_empty()) {
        problems.extend(T::check(value).iter().map(|found| contradiction(found, &origins)));
    }
    match value {
        Some(value) if problems.is_empty() => Ok(Loaded { value, origins, files, places: sources.places(T::SUBJECT) }),
        _ => Err(problem::failure(problems)),
    }
}

/// One tree of all layers; a layer that could not be parsed leaves nothing to rely on.
fn merged(layers: Vec<Node>, shape: &Shape<'_>, foreign: Foreign, problems: &mut Vec<Problem>) -> Node {
    let mut tree = Node::empty();
    let mut unparsed = false;
    for mut layer in layers {
        unparsed |= layer.value == Value::Rejected;
        shape::reject_unknown_keys(&mut layer, shape, foreign, problems);
        if !unparsed {
            merge::merge(&mut tree, layer, shape);
        }
    }
    if unparsed {
        tree.value = Value::Rejected;
    }
    tree
}

/// Reads the tree into its type. Reading stops at the first trouble, so that is taken out and the rest is read again:
/// one run names all of it.
fn typed<T: DeserializeOwned>(mut tree: Node, misfit: Misfit, problems: &mut Vec<Problem>) -> (Option<T>, Node) {
    for _ in 0..=problem::MOST {
        if tree.value == Value::Rejected {
            break;
        }
        let refusal = match reader::read(&tree) {
            Ok(value) => return (Some(value), tree),
            Err(refusal) => refusal,
        };
        let path = refusal.path();
        // A table that lacks what was taken out of it has no problem of its own.
        if !tree.walk(&path).0.is_spoiled() {
            problems.push(refused(&refusal, &path, &tree, misfit));
        }
        tree.reject(&path);
    }
    (None, tree)
}

fn refused(refusal: &Refusal, path: &[Step], tree: &Node, misfit: Misfit) -> Problem {
    let Node { value, origin } = tree.walk(path).0;
    let place = tree.key_origin(path).filter(|_| refusal.at_key).unwrap_or(origin);
    let theirs = match path.last() {
        Some(Step::Key(key)) if !refusal.at_key => misfit(key, &value.written()),
        _ => None,
    };
    Problem::at(place, &refusal.message).hint_if_any(theirs.as_deref().or(refusal.hint.as_deref()))
}

fn contradiction(found: &Contradiction, origins: &Origins) -> Problem {
    let problem = match origins.nearest(&found.key) {
        Some((origin, true)) => Problem::at(origin, &found.problem),
        Some((origin, false)) => Problem::at(origin, format_args!("{}: {}", found.key, found.problem)),
        None => Problem::new(format_args!("{}: {}", found.key, found.problem)),
    };
    problem.hint_if_any(found.hint.as_deref())
}
