//! Output of the tools: progress on standard error, results on standard output.

use std::{
    fmt::Display,
    io::{self, Write},
    time::{Duration, Instant},
};

/// Prints progress, unless it is quiet.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    started: Option<Instant>,
}

impl Ui {
    /// Progress lines with the seconds since now.
    pub fn new() -> Self {
        Self {
            started: Some(Instant::now()),
        }
    }

    /// Prints no progress: for stacks of tests.
    pub fn quiet() -> Self {
        Self { started: None }
    }

    /// Something begins or is under way.
    pub fn step(self, text: impl Display) {
        self.line("·", text);
    }

    /// Something is finished.
    pub fn done(self, text: impl Display) {
        self.line("✓", text);
    }

    /// Something that the reader should know but that does not stop the work.
    pub fn warn(self, text: impl Display) {
        self.line("!", text);
    }

    /// Time since the start; zero when quiet.
    pub fn elapsed(self) -> Duration {
        self.started.map_or(Duration::ZERO, |at| at.elapsed())
    }

    /// A result, on standard output, also when quiet. A closed pipe is not an error.
    pub fn result(self, text: impl Display) {
        let _ = writeln!(io::stdout().lock(), "{text}");
    }

    /// Text without a mark, on standard error, also when quiet: logs and headings.
    pub fn plain(self, text: impl Display) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }

    fn line(self, mark: &str, text: impl Display) {
        if let Some(started) = self.started {
            let seconds = started.elapsed().as_secs_f64();
            let _ = writeln!(io::stderr().lock(), "{mark} {seconds:>6.1}s  {text}");
        }
    }
}

impl Default for Ui {
    fn default() -> Self {
        Self::new()
    }
}
