//! Settings of the runtime manager.

use std::{path::PathBuf, time::Duration};

use galaxy_events::NatsConfig;
use galaxy_service::{Section, Vars, config::Value};
use galaxy_store::PostgresConfig;
use jiff::SignedDuration;

/// What the runtime manager needs to know beside what every process has.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// The database.
    pub postgres: PostgresConfig,
    /// The broker.
    pub nats: NatsConfig,
    /// Operations worked on at once, 1 to 256.
    pub workers: u32,
    /// How engines are run.
    pub driver: ProcessConfig,
    /// How long engines may take.
    pub timeouts: Timeouts,
    /// How often each engine is probed.
    pub health_interval: SignedDuration,
    /// How long a finished game's engine stays for its last reports.
    pub finished_grace: SignedDuration,
    /// How often what runs is compared with what should run.
    pub reconcile_interval: Duration,
    /// Whether differences are mended or only told.
    pub reconcile: ReconcileMode,
}

/// How engines run as plain processes.
#[derive(Debug, Clone)]
pub struct ProcessConfig {
    /// Keeps the engines of deployments on one machine apart.
    pub deployment: String,
    /// Holds a directory for each deployment, and in it one for each game.
    pub directory: PathBuf,
    /// The program that `process:engine` means.
    pub binary: PathBuf,
    /// How long an engine may take to end before it is killed.
    pub stop_timeout: Duration,
    /// How long it may take to say where it listens.
    pub start_timeout: Duration,
}

/// How long engines may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From its start to its first healthy answer.
    pub start: Duration,
    /// A turn, or setting a game up.
    pub turn: Duration,
    /// A health probe.
    pub probe: Duration,
    /// Any other call.
    pub call: Duration,
}

/// What reconciliation does about differences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReconcileMode {
    /// Mends them.
    Apply,
    /// Logs what it would do.
    DryRun,
}

impl Value for ReconcileMode {
    const EXPECTED: &'static str = "apply or dry-run";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "apply" => Some(Self::Apply),
            "dry-run" => Some(Self::DryRun),
            _ => None,
        }
    }
}

impl Section for RuntimeConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let postgres = PostgresConfig::read(vars);
        let nats = NatsConfig::read(vars);
        let workers = workers(vars);
        let timeouts = Timeouts::read(vars);
        let driver = ProcessConfig::read(vars);
        let health_interval = vars.or::<Duration>(
            "BACKEND_ENGINE_HEALTH_INTERVAL",
            "10s",
            "How often each engine is probed; three misses make it unreachable",
        );
        let finished_grace = vars.or::<Duration>(
            "BACKEND_ENGINE_FINISHED_GRACE",
            "1h",
            "How long a finished game's engine stays, for its last reports; its state is kept afterwards",
        );
        let reconcile_interval = vars.or(
            "BACKEND_RUNTIME_RECONCILE_INTERVAL",
            "1m",
            "How often what runs is compared with what should run",
        );
        let reconcile = vars.or(
            "BACKEND_RUNTIME_RECONCILE",
            "apply",
            "apply: mend differences; dry-run: only log what would be done",
        );
        Some(Self {
            postgres: postgres?,
            nats: nats?,
            workers: workers?,
            driver: driver?,
            timeouts: timeouts?,
            health_interval: signed(health_interval?),
            finished_grace: signed(finished_grace?),
            reconcile_interval: reconcile_interval?,
            reconcile: reconcile?,
        })
    }
}

impl Section for Timeouts {
    fn read(vars: &mut Vars) -> Option<Self> {
        let start = vars.or(
            "BACKEND_ENGINE_START_TIMEOUT",
            "30s",
            "How long an engine may take until it answers",
        );
        let turn = vars.or(
            "BACKEND_ENGINE_TURN_TIMEOUT",
            "1m",
            "How long an engine may take to generate a turn or to set a game up",
        );
        let probe = vars.or(
            "BACKEND_ENGINE_PROBE_TIMEOUT",
            "2s",
            "How long an engine may take over a health probe",
        );
        let call = vars.or(
            "BACKEND_ENGINE_CALL_TIMEOUT",
            "10s",
            "How long an engine may take over any other call",
        );
        Some(Self {
            start: start?,
            turn: turn?,
            probe: probe?,
            call: call?,
        })
    }
}

impl Section for ProcessConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let driver = driver(vars);
        let deployment = deployment(vars);
        let directory = vars.or(
            "BACKEND_ENGINE_PROCESS_DIR",
            "/var/lib/galaxy/engines",
            "Where engines that run as processes keep their state, a directory a game",
        );
        let binary = vars.optional(
            "BACKEND_ENGINE_BINARY",
            "The program that the image process:engine means; without it the program engine beside this one",
        );
        let stop_timeout = vars.or(
            "BACKEND_ENGINE_STOP_TIMEOUT",
            "10s",
            "How long an engine may take to end before it is killed",
        );
        driver?;
        Some(Self {
            deployment: deployment?,
            directory: directory?,
            binary: binary?.unwrap_or_else(beside),
            stop_timeout: stop_timeout?,
            start_timeout: Duration::from_secs(10),
        })
    }
}

fn driver(vars: &mut Vars) -> Option<()> {
    const NAME: &str = "BACKEND_RUNTIME_DRIVER";
    let name: String = vars.or(NAME, "process", "How engines are run: process")?;
    match &name[..] {
        "process" => Some(()),
        "docker" | "kubernetes" => vars.problem(
            NAME,
            "names a driver that this build does not have; set it to process",
        ),
        _ => vars.problem(NAME, "is not process"),
    }
}

fn workers(vars: &mut Vars) -> Option<u32> {
    const NAME: &str = "BACKEND_RUNTIME_WORKERS";
    let workers = vars.or(NAME, "4", "Operations on engines worked on at once")?;
    if (1..=256).contains(&workers) {
        Some(workers)
    } else {
        vars.problem(NAME, "is not between 1 and 256")
    }
}

fn deployment(vars: &mut Vars) -> Option<String> {
    const NAME: &str = "BACKEND_DEPLOYMENT_ID";
    let id: String = vars.or(
        NAME,
        "galaxy",
        "Keeps the engines of several deployments on one host apart",
    )?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=63).contains(&id.len()) && id.bytes().all(plain) {
        Some(id)
    } else {
        vars.problem(
            NAME,
            "is not 1 to 63 lower-case letters, digits and hyphens",
        )
    }
}

fn beside() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join("engine")))
        .unwrap_or_else(|| PathBuf::from("engine"))
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &'static [(&'static str, &'static str)]) -> Result<RuntimeConfig, Vec<String>> {
        let mut vars = Vars::from_lookup(|name| {
            let url = ("BACKEND_POSTGRES_URL", "postgres://localhost/galaxy");
            set.iter()
                .chain([&url])
                .find(|(n, _)| *n == name)
                .map(|(_, text)| (*text).to_owned())
        });
        RuntimeConfig::read(&mut vars).ok_or_else(|| {
            let problems = vars.problems().iter();
            problems
                .map(|problem| format!("{} {}", problem.variable, problem.message))
                .collect()
        })
    }

    #[test]
    fn the_defaults_are_enough() {
        let config = read(&[]).unwrap();
        assert_eq!(config.workers, 4);
        assert_eq!(config.driver.deployment, "galaxy");
        assert!(config.driver.binary.ends_with("engine"));
    }

    #[test]
    fn a_driver_that_is_not_built_in_is_named_with_what_to_set() {
        for driver in ["docker", "kubernetes"] {
            let set = Box::leak(Box::new([("BACKEND_RUNTIME_DRIVER", driver)]));
            let problems = read(set).unwrap_err();
            assert_eq!(problems.len(), 1);
            assert!(problems[0].contains("set it to process"), "{problems:?}");
        }
    }

    #[test]
    fn a_deployment_id_cannot_leave_its_directory() {
        for id in ["..", "a/b", "A", "a.b"] {
            let set = Box::leak(Box::new([("BACKEND_DEPLOYMENT_ID", id)]));
            assert!(read(set).is_err(), "{id}");
        }
    }
}
