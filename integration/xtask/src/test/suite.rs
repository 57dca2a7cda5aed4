//! The tests themselves, against servers of their own.

use std::{io::IsTerminal, path::Path, process::Stdio};

use anyhow::{Context, Result};
use galaxy_stack::{Layout, Servers, Ui, env};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{ChildStderr, Command},
};

use super::{
    mock_cluster,
    report::{Counts, HasOutcome, Outcome},
    tools,
};
use crate::cargo::{cargo, remove_cargo_variables, run};

/// The test run and its environment.
pub struct Suite<'a> {
    pub layout: &'a Layout,
    pub ui: Ui,
    pub servers: &'a Servers,
    /// The packages of which tests make a cluster, where there are any.
    pub mock_cluster: Option<&'a Path>,
}

/// Outcome and counts.
#[derive(Debug)]
pub struct TestRun {
    outcome: Outcome,
    counts: Counts,
}

impl HasOutcome for TestRun {
    fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

impl From<TestRun> for Counts {
    fn from(run: TestRun) -> Self {
        run.counts
    }
}

impl Suite<'_> {
    /// Builds programs and tests, since scenarios run the programs, then runs the tests.
    pub async fn run(&self, filter: Option<&str>) -> TestRun {
        match self.build_and_run(filter).await {
            Ok(run) => run,
            Err(error) => TestRun {
                outcome: Outcome::Failed(format!("{error:#}")),
                counts: Counts::default(),
            },
        }
    }

    async fn build_and_run(&self, filter: Option<&str>) -> Result<TestRun> {
        let _ = std::fs::remove_file(self.layout.test_report(profile()));
        let nextest = tools::find(tools::NEXTEST, self.layout, self.ui).await?;
        let mut build = cargo(self.layout);
        build.args(["build", "--workspace", "--bins", "--tests"]);
        run(build).await.context("the build failed")?;

        let mut tests = Command::new(nextest);
        tests
            .args(["nextest", "run", "--workspace", "--no-fail-fast"])
            .args(filter);
        tests.args(["--profile", profile()]);
        if std::io::stderr().is_terminal() {
            tests.args(["--color", "always"]);
        }
        self.set_environment(&mut tests);
        tests
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut tests = tests.spawn().context("cannot run cargo-nextest")?;
        let output = tests.stderr.take().context("no output of cargo-nextest")?;
        let counts = forward_output(output, self.ui).await?;
        let status = tests.wait().await?;
        let note = format!("{} passed, {} skipped", counts.passed, counts.skipped);
        let outcome = if status.success() {
            Outcome::Passed(note)
        } else {
            Outcome::Failed(format!("{note}, {} FAILED ({status})", counts.failed))
        };
        Ok(TestRun { outcome, counts })
    }

    /// Doc tests, if there are any: searching for them is much cheaper than compiling.
    pub async fn documentation(&self) -> Outcome {
        let examples = ["proto", "shared", "services", "integration"]
            .iter()
            .any(|dir| has_examples(&self.layout.root().join(dir)));
        if !examples {
            return Outcome::passed("no examples in the documentation");
        }
        let mut doc = cargo(self.layout);
        doc.args(["test", "--workspace", "--doc"]);
        self.set_environment(&mut doc);
        Outcome::of(run(doc).await.map(|()| String::new()).context("see above"))
    }

    fn set_environment(&self, command: &mut Command) {
        remove_cargo_variables(command);
        command
            .current_dir(self.layout.root())
            .env("SQLX_OFFLINE", "true")
            .env("DATABASE_URL", self.servers.postgres.url())
            .env(env::TEST_POSTGRES_URL, self.servers.postgres.url())
            .env("GALAXY_TEST_NATS_URL", self.servers.nats.url());
        if let Some(packages) = self.mock_cluster {
            command.env(mock_cluster::VARIABLE, packages);
        }
    }
}

/// Whether a build machine runs this: what could be skipped elsewhere fails there.
pub fn is_ci() -> bool {
    env::var("CI").is_some()
}

/// The profile of cargo-nextest.
pub fn profile() -> &'static str {
    if is_ci() { "ci" } else { "default" }
}

/// Forwards the output and parses the counts in its last lines.
async fn forward_output(output: ChildStderr, ui: Ui) -> Result<Counts> {
    let mut lines = BufReader::new(output).split(b'\n');
    let mut counts = Counts::default();
    while let Some(line) = lines.next_segment().await? {
        let line = String::from_utf8_lossy(&line);
        counts = summary(&line).unwrap_or(counts);
        ui.plain(&line);
    }
    Ok(counts)
}

/// `Summary [ 2.8s] 35 tests run: 33 passed (1 slow), 1 failed, 1 timed out, 2 skipped`
fn summary(line: &str) -> Option<Counts> {
    let plain = without_colours(line);
    let (_, numbers) = plain
        .trim_start()
        .strip_prefix("Summary")?
        .split_once("run:")?;
    let mut counts = Counts::default();
    for part in numbers.split(',') {
        let (number, word) = part.trim().split_once(' ')?;
        let number: u32 = number.parse().ok()?;
        match word.split(' ').next()? {
            "passed" => counts.passed += number,
            "skipped" => counts.skipped += number,
            _ => counts.failed += number,
        }
    }
    Some(counts)
}

fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| {
        plain + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}

fn has_examples(dir: &Path) -> bool {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            return !path.ends_with("target") && has_examples(&path);
        }
        let code = path.extension().is_some_and(|extension| extension == "rs");
        code && std::fs::read_to_string(&path).is_ok_and(|text| example_in(&text))
    })
}

/// Whether a doc comment opens a fence without a language or with Rust as its language.
fn example_in(code: &str) -> bool {
    let comments = code.lines().map(str::trim_start).filter_map(|line| {
        line.strip_prefix("///")
            .or_else(|| line.strip_prefix("//!"))
    });
    let mut inside = false;
    for language in comments.filter_map(|text| text.trim_start().strip_prefix("```")) {
        inside = !inside;
        if inside && (language.is_empty() || language.starts_with("rust")) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_parsed_from_the_summary_line_of_the_runner() {
        let coloured = "\u{1b}[32;1m     Summary\u{1b}[0m [   2.849s] \u{1b}[1m33\u{1b}[0m tests run: \
            \u{1b}[1m33\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped";
        let all = Counts {
            passed: 33,
            failed: 0,
            skipped: 0,
        };
        assert_eq!(summary(coloured), Some(all));
        let mixed = "     Summary [   3.566s] 35/40 tests run: 31 passed (1 slow), 2 failed, 1 timed out, 1 exec failed, 5 skipped";
        assert_eq!(
            summary(mixed),
            Some(Counts {
                passed: 31,
                failed: 4,
                skipped: 5
            })
        );
        assert_eq!(summary("        PASS [   0.013s] a::b"), None);
    }

    #[test]
    fn code_examples_are_distinguished_from_diagrams() {
        assert!(example_in("    /// ```\n    /// let a = 1;\n    /// ```"));
        assert!(example_in(
            "//! ```text\n//! a -> b\n//! ```\n//! ```rust,no_run\n//! ```"
        ));
        assert!(!example_in(
            "/// ```text\n/// a -> b\n/// ```\nlet fence = \"```\";"
        ));
    }
}
