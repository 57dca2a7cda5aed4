//! How the steps went.

use std::{future::Future, process::ExitCode, time::Instant};

use galaxy_stack::Ui;

/// The end of a step.
#[derive(Debug)]
pub enum Outcome {
    /// Fine, with a word about it.
    Passed(String),
    /// Not fine, and why.
    Failed(String),
    /// Not done, and why.
    Skipped(String),
}

impl Outcome {
    /// Fine.
    pub fn passed(note: impl Into<String>) -> Self {
        Self::Passed(note.into())
    }

    /// A result's note or error.
    pub fn of(result: anyhow::Result<String>) -> Self {
        result.map_or_else(|error| Self::Failed(format!("{error:#}")), Self::Passed)
    }
}

/// What a step gives: its outcome, and perhaps numbers.
pub trait Ended {
    /// How it ended.
    fn outcome(&self) -> &Outcome;
}

impl Ended for Outcome {
    fn outcome(&self) -> &Outcome {
        self
    }
}

/// Numbers of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Passed.
    pub passed: u32,
    /// Failed, in whatever way.
    pub failed: u32,
    /// Not run.
    pub skipped: u32,
}

/// The steps so far.
#[derive(Debug)]
pub struct Report {
    ui: Ui,
    lines: Vec<String>,
    failed: bool,
}

impl Report {
    /// Nothing yet.
    pub fn new(ui: Ui) -> Self {
        Self {
            ui,
            lines: Vec::new(),
            failed: false,
        }
    }

    /// Carries out a step and notes how it ended.
    pub async fn step<E: Ended>(&mut self, name: &str, step: impl Future<Output = E>) -> E {
        self.ui.step(name);
        let start = Instant::now();
        let ended = step.await;
        let seconds = start.elapsed().as_secs_f64();
        let (mark, word, note) = match ended.outcome() {
            Outcome::Passed(note) => ("✓", "ok", note),
            Outcome::Failed(why) => ("✗", "FAILED", why),
            Outcome::Skipped(why) => ("-", "skipped", why),
        };
        self.failed |= matches!(ended.outcome(), Outcome::Failed(_));
        let line = format!("{mark} {name:<20} {word:<8}{seconds:>7.1}s  {note}");
        self.ui.plain(&line);
        self.lines.push(line);
        ended
    }

    /// Shows all steps again and, last, the plain numbers.
    pub fn finish(self, ended: impl Into<Counts>) -> ExitCode {
        let counts: Counts = ended.into();
        self.ui.result(format!("\n{}\n", self.lines.join("\n")));
        let Counts {
            passed,
            failed,
            skipped,
        } = counts;
        self.ui.result(format!(
            "{passed} passed, {failed} failed, {skipped} skipped"
        ));
        if self.failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        }
    }
}
