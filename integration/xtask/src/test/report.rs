//! The outcomes of the steps.

use std::{future::Future, process::ExitCode, time::Instant};

use galaxy_stack::Ui;

/// The end of a step.
#[derive(Debug)]
pub enum Outcome {
    /// With a note.
    Passed(String),
    /// With the reason.
    Failed(String),
    /// With the reason.
    Skipped(String),
}

impl Outcome {
    pub fn passed(note: impl Into<String>) -> Self {
        Self::Passed(note.into())
    }

    /// Passed with the result's note, or failed with its error.
    pub fn of(result: anyhow::Result<String>) -> Self {
        result.map_or_else(|error| Self::Failed(format!("{error:#}")), Self::Passed)
    }
}

/// The result of a step: an outcome, perhaps with counts.
pub trait HasOutcome {
    fn outcome(&self) -> &Outcome;
}

impl HasOutcome for Outcome {
    fn outcome(&self) -> &Outcome {
        self
    }
}

/// Numbers of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub passed: u32,
    /// Including those that timed out or could not be run.
    pub failed: u32,
    pub skipped: u32,
}

/// The finished steps.
#[derive(Debug)]
pub struct Report {
    ui: Ui,
    lines: Vec<String>,
    failed: bool,
}

impl Report {
    pub fn new(ui: Ui) -> Self {
        Self {
            ui,
            lines: Vec::new(),
            failed: false,
        }
    }

    /// Runs a step and records its outcome.
    pub async fn step<E: HasOutcome>(&mut self, name: &str, step: impl Future<Output = E>) -> E {
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

    /// Prints all steps again and, in the last line, the counts.
    pub fn finish(self, counts: impl Into<Counts>) -> ExitCode {
        let counts: Counts = counts.into();
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
