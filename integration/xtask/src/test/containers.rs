//! Which tests ran in containers or in a cluster, counted in what they printed: without what they need they end early, and
//! pass.

use std::path::Path;

use super::report::Outcome;

/// What some tests need beside the servers that all have.
#[derive(Debug, Clone, Copy)]
pub struct Need {
    /// What a test prints that has it.
    ran: &'static str,
    /// What it prints where it is missing.
    skipped: &'static str,
    /// That it is there.
    there: &'static str,
    /// That it is not.
    missing: &'static str,
}

/// A Docker engine.
pub const DOCKER: Need = Need {
    ran: "runs in containers",
    skipped: "SKIPPED: no Docker engine answers",
    there: "a Docker engine answers",
    missing: "no Docker engine answers",
};

/// A cluster that is played by [`super::mock_cluster`].
pub const CLUSTER: Need = Need {
    ran: "runs in a mock cluster",
    skipped: "SKIPPED: there is no mock cluster",
    there: "there is a mock cluster",
    missing: "there is no mock cluster",
};

/// Numbers of tests that need it.
#[derive(Debug, Clone, Copy)]
pub struct Tests {
    need: Need,
    ran: usize,
    skipped: usize,
}

impl Tests {
    /// Those of the report at `path`; none if there is no report, since then the tests failed anyway.
    pub fn read(path: &Path, need: Need) -> Self {
        let report = std::fs::read_to_string(path).unwrap_or_default();
        Self::of(&report, need)
    }

    /// The report is XML with an element for each test, in which its output is.
    fn of(report: &str, need: Need) -> Self {
        let count = |text| {
            let tests = report.split("<testcase").skip(1);
            tests.filter(|test| test.contains(text)).count()
        };
        Self {
            need,
            ran: count(need.ran),
            skipped: count(need.skipped),
        }
    }

    pub fn any(self) -> bool {
        self.ran + self.skipped > 0
    }

    /// On a build machine none may be skipped where what they need `is_there`.
    pub fn outcome(self, is_there: bool, ci: bool) -> Outcome {
        let Self { need, ran, skipped } = self;
        match (is_there, ran, skipped) {
            (true, 1.., 0) => Outcome::passed(format!("{ran} ran")),
            (true, ..) => {
                let why = format!("{}, but {ran} ran and {skipped} did not", need.there);
                if ci {
                    Outcome::Failed(why)
                } else {
                    Outcome::Skipped(why)
                }
            }
            (false, ..) => {
                Outcome::Skipped(format!("{}: {ran} ran and {skipped} did not", need.missing))
            }
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
        <testcase name="three"><system-err>runs in a mock cluster</system-err></testcase></testsuite></testsuites>"#;

    #[test]
    fn each_test_counts_once_by_what_it_printed() {
        let tests = Tests::of(REPORT, DOCKER);
        assert_eq!((tests.ran, tests.skipped), (1, 1));
        assert!(tests.any());
        let cluster = Tests::of(REPORT, CLUSTER);
        assert_eq!((cluster.ran, cluster.skipped), (1, 0));
        assert!(!Tests::of("<testcase name=\"three\"/>", DOCKER).any());
    }

    #[test]
    fn a_build_machine_with_a_docker_engine_may_not_skip_them() {
        let of = |ran, skipped| Tests {
            need: DOCKER,
            ran,
            skipped,
        };
        let passed = |outcome| matches!(outcome, Outcome::Passed(_));
        let failed = |outcome| matches!(outcome, Outcome::Failed(_));
        assert!(passed(of(3, 0).outcome(true, true)));
        assert!(failed(of(3, 1).outcome(true, true)));
        assert!(failed(of(0, 0).outcome(true, true)));
        assert!(!failed(of(3, 1).outcome(true, false)));
        assert!(!failed(of(0, 4).outcome(false, true)));
    }
}
