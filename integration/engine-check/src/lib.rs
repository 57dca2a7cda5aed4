//! Plays a short game against an engine and says what of the contract (`proto/engine.openapi.yaml`) it does not keep.
//!
//! The engine must be fresh: the checks set a game of their own up, and end with a banished race. To add a check, write
//! a function in the module of its call under `checks` and name it in that module's `all`.
#![warn(missing_docs)]

mod call;
mod checks;
mod engine;
mod status;

use std::{fmt, time::Duration};

use serde_json::{Map, Value};
use uuid::Uuid;

use engine::Engine;

/// What to check.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the engine answers, such as `http://127.0.0.1:8080`.
    pub url: String,
    /// The value of its `ENGINE_TOKEN`; the checks of the token need one.
    pub token: Option<String>,
    /// The value of its `ENGINE_GAME_ID`; any id if it has none.
    pub game_id: Uuid,
    /// A second fresh engine with the same settings: it must play the same game.
    pub twin: Option<String>,
    /// How long a turn that was answered with 202 may take.
    pub long_turn: Duration,
    /// The options of the game; empty for an engine that has none.
    pub options: Map<String, Value>,
}

impl Options {
    /// For an engine without settings.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            game_id: Uuid::new_v4(),
            twin: None,
            long_turn: Duration::from_mins(5),
            options: Map::new(),
        }
    }
}

/// What a check found: an error says what is wrong and what to do.
type Check<T = ()> = Result<T, String>;

/// What became of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The engine keeps it.
    Kept,
    /// The engine does not; the text says what was seen and what is to be.
    Failed(String),
    /// It could not be checked; the text says what is needed.
    Skipped(String),
}

/// A check with its outcome.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What is checked.
    pub check: &'static str,
    /// What became of it.
    pub outcome: Outcome,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Kept => write!(f, "ok       {}", self.check),
            Outcome::Failed(why) => write!(f, "FAILED   {}: {why}", self.check),
            Outcome::Skipped(why) => write!(f, "skipped  {}: {why}", self.check),
        }
    }
}

/// The findings in the order of the checks.
#[derive(Debug, Clone, Default)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// In the order of the checks.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Finding> {
        let failed = |finding: &&Finding| matches!(finding.outcome, Outcome::Failed(_));
        self.findings.iter().filter(failed)
    }

    fn add(&mut self, check: &'static str, outcome: Outcome) {
        self.findings.push(Finding { check, outcome });
    }

    /// Notes what a check found and gives what it made, if it did.
    fn note<T>(&mut self, check: &'static str, found: Check<T>) -> Option<T> {
        let (outcome, made) = match found {
            Ok(made) => (Outcome::Kept, Some(made)),
            Err(why) => (Outcome::Failed(why), None),
        };
        self.add(check, outcome);
        made
    }
}

/// Checks an engine. Every failure is in the report, an engine that does not answer too.
pub async fn run(options: &Options) -> Report {
    let engine = Engine::new(&options.url, options);
    let mut report = Report::default();
    checks::all(&engine, options, &mut report).await;
    report
}
