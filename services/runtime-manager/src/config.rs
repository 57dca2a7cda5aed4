//! Settings of the runtime manager.

mod driver;

use std::time::Duration;

use galaxy_events::NatsConfig;
use galaxy_service::{
    Section, Vars,
    config::{ByteSize, Value},
};
use galaxy_store::PostgresConfig;
use jiff::SignedDuration;

pub use driver::DriverConfig;

/// What the runtime manager needs to know beside what every process has.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// The database.
    pub postgres: PostgresConfig,
    /// The broker.
    pub nats: NatsConfig,
    /// Whose engines these are: belongs to the database.
    pub deployment: String,
    /// Operations under way at once.
    pub workers: Workers,
    /// How engines are run.
    pub driver: DriverConfig,
    /// How long engines and drivers may take.
    pub timeouts: Timeouts,
    /// How long a finished game's engine stays for its last reports.
    pub finished_grace: SignedDuration,
    /// How long finished operations stay as history.
    pub operation_retention: SignedDuration,
    /// Largest log of an engine, in bytes.
    pub log_limit: u64,
    /// How the node is watched.
    pub node: NodeConfig,
}

/// Operations under way at once, by lane; each 1 to 1,024.
#[derive(Debug, Clone, Copy)]
pub struct Workers {
    /// Starts, stops, restarts, patches, removals.
    pub control: u32,
    /// Turns.
    pub turn: u32,
    /// Banishments.
    pub banish: u32,
}

/// How a node is watched.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// Engines at most; 0 for no limit.
    pub capacity: u32,
    /// How long a node may be silent before its games say that their host is lost.
    pub timeout: SignedDuration,
    /// How often each engine is probed.
    pub health_interval: SignedDuration,
    /// How long an engine that runs may be silent before it is replaced.
    pub hung_after: SignedDuration,
    /// How often what runs is compared with what should run.
    pub reconcile_interval: Duration,
    /// Whether differences are mended or only told.
    pub reconcile: ReconcileMode,
}

/// How long engines and drivers may take.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From its start to its first healthy answer.
    pub start: Duration,
    /// To end before it is killed.
    pub stop: Duration,
    /// A turn, or setting a game up.
    pub turn: Duration,
    /// A health probe.
    pub probe: Duration,
    /// Any other call.
    pub call: Duration,
    /// Any verb of the driver.
    pub driver: Duration,
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
        let deployment = deployment(vars);
        let workers = Workers::read(vars);
        let timeouts = Timeouts::read(vars);
        let driver = driver::read(vars, deployment.as_deref(), timeouts.as_ref());
        let finished_grace = vars.or::<Duration>(
            "BACKEND_ENGINE_FINISHED_GRACE",
            "1h",
            "How long a finished game's engine stays, for its last reports; its state is kept afterwards",
        );
        let operation_retention = vars.or::<Duration>(
            "BACKEND_OPERATION_RETENTION",
            "90d",
            "How long finished operations stay as history of their games",
        );
        let log_limit = vars.or::<ByteSize>(
            "BACKEND_ENGINE_LOG_LIMIT",
            "10MiB",
            "Largest log of an engine; its oldest lines go",
        );
        let node = NodeConfig::read(vars);
        Some(Self {
            postgres: postgres?,
            nats: nats?,
            deployment: deployment?,
            workers: workers?,
            driver: driver?,
            timeouts: timeouts?,
            finished_grace: signed(finished_grace?),
            operation_retention: signed(operation_retention?),
            log_limit: log_limit?.0 as u64,
            node: node?,
        })
    }
}

impl Section for NodeConfig {
    fn read(vars: &mut Vars) -> Option<Self> {
        let capacity = vars.or(
            "BACKEND_NODE_CAPACITY",
            "0",
            "Engines on this node at most, 0 for no limit; further games wait for room",
        );
        let timeout = vars.or::<Duration>(
            "BACKEND_NODE_TIMEOUT",
            "5m",
            "How long a node may be silent before its games say that their host is lost",
        );
        let health_interval = vars.or::<Duration>(
            "BACKEND_ENGINE_HEALTH_INTERVAL",
            "10s",
            "How often each engine is probed; three misses make it unreachable",
        );
        let hung_after = vars.or::<Duration>(
            "BACKEND_ENGINE_HUNG",
            "1m",
            "How long an engine that runs may be silent before it is replaced",
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
            capacity: capacity?,
            timeout: signed(timeout?),
            health_interval: signed(health_interval?),
            hung_after: signed(hung_after?),
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
        let stop = vars.or(
            "BACKEND_ENGINE_STOP_TIMEOUT",
            "10s",
            "How long an engine may take to end before it is killed",
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
        let driver = vars.or(
            "BACKEND_DRIVER_TIMEOUT",
            "20s",
            "How long Docker, or what else runs engines, may take over one request",
        );
        Some(Self {
            start: start?,
            stop: stop?,
            turn: turn?,
            probe: probe?,
            call: call?,
            driver: driver?,
        })
    }
}

impl Section for Workers {
    fn read(vars: &mut Vars) -> Option<Self> {
        let control = workers(
            vars,
            "BACKEND_RUNTIME_WORKERS",
            "8",
            "Starts, stops, restarts, patches and removals of engines under way at once",
        );
        let turn = workers(
            vars,
            "BACKEND_RUNTIME_TURN_WORKERS",
            "64",
            "Turns under way at once",
        );
        let banish = workers(
            vars,
            "BACKEND_RUNTIME_BANISH_WORKERS",
            "8",
            "Banishments of races under way at once",
        );
        Some(Self {
            control: control?,
            turn: turn?,
            banish: banish?,
        })
    }
}

fn workers(
    vars: &mut Vars,
    name: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Option<u32> {
    let workers = vars.or(name, default, meaning)?;
    if (1..=1_024).contains(&workers) {
        Some(workers)
    } else {
        vars.problem(name, "is not between 1 and 1024")
    }
}

fn deployment(vars: &mut Vars) -> Option<String> {
    const NAME: &str = "BACKEND_DEPLOYMENT_ID";
    let id: String = vars.or(
        NAME,
        "galaxy",
        "Whose engines these are; written into the database at the first start, another one is refused afterwards",
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
        assert_eq!(config.deployment, "galaxy");
        let DriverConfig::Process(driver) = config.driver else {
            panic!("{:?}", config.driver);
        };
        assert!(driver.binary.ends_with("engine"));
    }

    #[cfg(feature = "kubernetes")]
    #[test]
    fn a_cluster_is_reached_with_what_is_set() {
        let config = read(&[
            ("BACKEND_RUNTIME_DRIVER", "kubernetes"),
            ("BACKEND_DEPLOYMENT_ID", "blue"),
            ("BACKEND_ENGINE_NAMESPACE", "engines"),
            ("BACKEND_ENGINE_VOLUME_SIZE", "64MiB"),
            ("BACKEND_ENGINE_STORAGE_CLASS", "fast"),
            ("BACKEND_ENGINE_PULL", "always"),
        ]);
        let DriverConfig::Kubernetes(driver) = config.unwrap().driver else {
            panic!("it is set");
        };
        assert_eq!(
            (&driver.deployment[..], &driver.namespace[..]),
            ("blue", "engines")
        );
        assert_eq!(driver.storage_class.as_deref(), Some("fast"));
        assert_eq!(driver.volume_size, 64 << 20);
        assert_eq!(driver.pull, galaxy_drivers::PullPolicy::Always);
        assert_eq!(driver.kubeconfig, None);
    }

    #[cfg(not(feature = "kubernetes"))]
    #[test]
    fn a_driver_that_is_not_built_in_is_named_with_what_to_set() {
        let problems = read(&[("BACKEND_RUNTIME_DRIVER", "kubernetes")]).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert!(
            problems[0].contains("set it to docker or process"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_deployment_id_cannot_leave_its_directory() {
        for id in ["..", "a/b", "A", "a.b"] {
            let set = Box::leak(Box::new([("BACKEND_DEPLOYMENT_ID", id)]));
            assert!(read(set).is_err(), "{id}");
        }
    }
}
