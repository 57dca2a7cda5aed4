//! How engines are run.

use std::path::PathBuf;

#[cfg(feature = "kubernetes")]
use galaxy_drivers::KubernetesConfig;
use galaxy_drivers::{DockerConfig, DockerTls, ProcessConfig, PullPolicy};
use galaxy_service::{Vars, config::Value};

use super::Timeouts;

/// A driver with its settings.
#[derive(Debug, Clone)]
pub enum DriverConfig {
    /// As plain processes of this machine.
    Process(ProcessConfig),
    /// As containers of a Docker engine.
    Docker(DockerConfig),
    /// As pods of a Kubernetes cluster.
    #[cfg(feature = "kubernetes")]
    Kubernetes(KubernetesConfig),
}

/// The settings of all drivers; those of the one that is chosen.
pub(super) fn read(
    vars: &mut Vars,
    deployment: Option<&str>,
    timeouts: Option<&Timeouts>,
) -> Option<DriverConfig> {
    const NAME: &str = "BACKEND_RUNTIME_DRIVER";
    let name: Option<String> = vars.or(
        NAME,
        "process",
        "How engines are run: docker, kubernetes, or process for a machine without a container engine",
    );
    let process = process(vars, deployment, timeouts);
    let pull: Option<PullSetting> = vars.or(
        "BACKEND_ENGINE_PULL",
        "missing",
        "When images of engines are pulled: missing, always or never",
    );
    let pull = pull.map(|pull| pull.0);
    let docker = docker(vars, deployment, pull);
    #[cfg(feature = "kubernetes")]
    let kubernetes = kubernetes(vars, deployment, pull);
    match &name?[..] {
        "process" => process.map(DriverConfig::Process),
        "docker" => docker.map(DriverConfig::Docker),
        #[cfg(feature = "kubernetes")]
        "kubernetes" => kubernetes.map(DriverConfig::Kubernetes),
        #[cfg(not(feature = "kubernetes"))]
        "kubernetes" => vars.problem(
            NAME,
            "names a driver that this build does not have; set it to docker or process",
        ),
        _ => vars.problem(NAME, "is not docker, kubernetes or process"),
    }
}

fn process(
    vars: &mut Vars,
    deployment: Option<&str>,
    timeouts: Option<&Timeouts>,
) -> Option<ProcessConfig> {
    let directory = vars.or(
        "BACKEND_ENGINE_PROCESS_DIR",
        "/var/lib/galaxy/engines",
        "Where engines that run as processes keep their state, a directory a game",
    );
    let binary = vars.optional(
        "BACKEND_ENGINE_BINARY",
        "The program that the image process:engine means; without it the program engine beside this one",
    );
    Some(ProcessConfig {
        deployment: deployment?.to_owned(),
        directory: directory?,
        binary: binary?.unwrap_or_else(beside),
        stop_timeout: timeouts?.stop,
    })
}

fn docker(
    vars: &mut Vars,
    deployment: Option<&str>,
    pull: Option<PullPolicy>,
) -> Option<DockerConfig> {
    let host = vars.optional(
        "BACKEND_DOCKER_HOST",
        "The Docker engine, unix:///path or tcp://host:port; without it the default socket",
    );
    let certificates: Option<Option<PathBuf>> = vars.optional(
        "BACKEND_DOCKER_CERTIFICATES",
        "Directory with ca.pem, cert.pem and key.pem for a tcp host",
    );
    let network = vars.or(
        "BACKEND_ENGINE_NETWORK",
        "galaxy-engines",
        "The Docker network that engines are on; made if it is missing, without a way out",
    );
    let registry_auth = vars.optional(
        "BACKEND_REGISTRY_AUTH_FILE",
        "Credentials for registries of engine images, in the format of Docker's config.json (auths); read at each pull",
    );
    Some(DockerConfig {
        host: host?,
        tls: certificates?.map(|directory| DockerTls {
            ca: directory.join("ca.pem"),
            cert: directory.join("cert.pem"),
            key: directory.join("key.pem"),
        }),
        network: network?,
        pull: pull?,
        registry_auth: registry_auth?,
        ..DockerConfig::new(deployment?)
    })
}

#[cfg(feature = "kubernetes")]
fn kubernetes(
    vars: &mut Vars,
    deployment: Option<&str>,
    pull: Option<PullPolicy>,
) -> Option<KubernetesConfig> {
    let kubeconfig = vars.optional(
        "BACKEND_KUBECONFIG",
        "File that tells how the cluster is reached; without it KUBECONFIG, or the cluster that this process runs in",
    );
    let namespace: Option<String> = vars.or(
        "BACKEND_ENGINE_NAMESPACE",
        "galaxy-engines",
        "The namespace of the cluster that engines are in; it must exist",
    );
    let cluster_domain = vars.or(
        "BACKEND_CLUSTER_DOMAIN",
        "cluster.local",
        "What names of services end with in the cluster",
    );
    let storage_class = vars.optional(
        "BACKEND_ENGINE_STORAGE_CLASS",
        "The class of the volumes for engines' states; without it the cluster's default",
    );
    let volume_size = vars.or::<galaxy_service::config::ByteSize>(
        "BACKEND_ENGINE_VOLUME_SIZE",
        "1GiB",
        "The size of the volume for an engine's state",
    );
    let pull_secret = vars.optional(
        "BACKEND_ENGINE_PULL_SECRET",
        "The secret of the namespace with which images of engines are pulled",
    );
    let service_account = vars.optional(
        "BACKEND_ENGINE_SERVICE_ACCOUNT",
        "The account that pods of engines have; they never get its token",
    );
    Some(KubernetesConfig {
        kubeconfig: kubeconfig?,
        cluster_domain: cluster_domain?,
        storage_class: storage_class?,
        volume_size: volume_size?.0 as u64,
        pull: pull?,
        pull_secret: pull_secret?,
        service_account: service_account?,
        ..KubernetesConfig::new(deployment?, namespace?)
    })
}

/// When images are pulled, as it is written in a setting.
struct PullSetting(PullPolicy);

impl Value for PullSetting {
    const EXPECTED: &'static str = "missing, always or never";

    fn parse(text: &str) -> Option<Self> {
        match text {
            "missing" => Some(Self(PullPolicy::Missing)),
            "always" => Some(Self(PullPolicy::Always)),
            "never" => Some(Self(PullPolicy::Never)),
            _ => None,
        }
    }
}

fn beside() -> PathBuf {
    std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join("engine")))
        .unwrap_or_else(|| PathBuf::from("engine"))
}
