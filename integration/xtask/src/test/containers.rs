//! Which tests ran in containers, counted in what they printed: without a Docker engine they end early, and pass.

use std::path::Path;

use super::report::Outcome;

/// What a test prints that runs in containers.
const RAN: &str = "runs in containers";
/// What it prints where it cannot.
const SKIPPED: &str = "SKIPPED: no Docker engine answers";

/// Numbers of tests that need a Docker engine.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tests {
    ran: usize,
    skipped: usize,
}

impl Tests {
    /// Those of the report at `path`; none if there is no report, since then the tests failed anyway.
    pub fn read(path: &Path) -> Self {
        std::fs::read_to_string(path).map_or_else(|_| Self::default(), |report| Self::of(&report))
    }

    /// The report is XML with an element for each test, in which its output is.
    fn of(report: &str) -> Self {
        let count = |text| {
            let tests = report.split("<testcase").skip(1);
            tests.filter(|test| test.contains(text)).count()
        };
        Self {
            ran: count(RAN),
            skipped: count(SKIPPED),
        }
    }

    pub fn any(self) -> bool {
        self != Self::default()
    }

    /// Where `engine` says that one answers, on a build machine none may be skipped.
    pub fn outcome(self, engine: bool, ci: bool) -> Outcome {
        let Self { ran, skipped } = self;
        match (engine, ran, skipped) {
            (true, 1.., 0) => Outcome::passed(format!("{ran} ran")),
            (true, ..) => {
                let why = format!("a Docker engine answers, but {ran} ran and {skipped} did not");
                if ci {
                    Outcome::Failed(why)
                } else {
                    Outcome::Skipped(why)
                }
            }
            (false, ..) => Outcome::Skipped(format!(
                "no Docker engine answers: {ran} ran and {skipped} did not"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"<testsuites><testsuite name="a">
        <testcase name="one"><system-err>runs in containers
runs in containers</system-err></testcase>
        <testcase name="two"><system-err>SKIPPED: no Docker engine answers</system-err></testcase>
        <testcase name="three"/></testsuite></testsuites>"#;

    #[test]
    fn each_test_counts_once_by_what_it_printed() {
        let tests = Tests::of(REPORT);
        assert_eq!(tests, Tests { ran: 1, skipped: 1 });
        assert!(tests.any());
        assert!(!Tests::of("<testcase name=\"three\"/>").any());
    }

    #[test]
    fn a_build_machine_with_a_docker_engine_may_not_skip_them() {
        let of = |ran, skipped| Tests { ran, skipped };
        let passed = |outcome| matches!(outcome, Outcome::Passed(_));
        let failed = |outcome| matches!(outcome, Outcome::Failed(_));
        assert!(passed(of(3, 0).outcome(true, true)));
        assert!(failed(of(3, 1).outcome(true, true)));
        assert!(failed(of(0, 0).outcome(true, true)));
        assert!(!failed(of(3, 1).outcome(true, false)));
        assert!(!failed(of(0, 4).outcome(false, true)));
    }
}
