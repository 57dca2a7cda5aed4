//! Reaching Docker.

use std::{path::Path, sync::Arc, time::Duration};

use bollard::{API_DEFAULT_VERSION, Docker, query_parameters::ListContainersOptionsBuilder};
use galaxy_core::Clock;
use galaxy_service::Tasks;
use http::HeaderValue;
use parking_lot::Mutex;

use super::{
    DockerDriver, Inner,
    config::{DockerConfig, DockerTls},
    error::driver_error,
    events,
    jobs::Jobs,
    names::Names,
    network,
};
use crate::{DriverError, Node, Result, feed::Feed};

/// The socket that Docker makes by default.
const DEFAULT_HOST: &str = "unix:///var/run/docker.sock";

/// How long Docker may take to begin an answer, in seconds.
const ANSWER: u64 = 60;

/// How long it may take to begin to tell about a fetch: it asks the registry first.
const PULL_ANSWER: Duration = Duration::from_mins(5);

/// The age from which a helper is one that a manager left behind, in seconds.
const HELPER_AGE: i64 = 600;

impl DockerDriver {
    /// Connects, and makes the network of engines. Errors: [`DriverError::Unavailable`] if Docker does not answer,
    /// [`DriverError::Denied`] if it may not be spoken to, [`DriverError::Invalid`] for settings that cannot be used.
    pub async fn connect(config: DockerConfig, tasks: &Tasks, clock: Clock) -> Result<Self> {
        config.check()?;
        let (host, tls) = (config.host.clone(), config.tls.clone());
        // Certificates are read from files.
        let docker = tokio::task::spawn_blocking(move || client(host.as_deref(), tls.as_ref()))
            .await
            .map_err(DriverError::unavailable)??;
        let docker = docker.negotiate_version().await.map_err(driver_error)?;
        let info = docker.info().await.map_err(driver_error)?;
        let id = info.id.filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| DriverError::invalid("Docker has no id"))?;
        let names = Names::new(&config.deployment, &config.label_prefix);
        let network = network::ensure(&docker, &config, &names).await?;
        let inner = Arc::new(Inner {
            node: Node {
                name: info.name.unwrap_or_else(|| id.clone()),
                id,
                driver: "docker",
            },
            cpus: info.ncpu.and_then(|n| n.try_into().ok()).unwrap_or(1),
            pulls: pulls(&docker),
            docker,
            names,
            config,
            clock,
            network: network.into(),
            kept: Mutex::default(),
            snapshot: Mutex::default(),
            exits: Mutex::default(),
            events: Feed::default(),
            turns: tokio::sync::Semaphore::new(super::AT_ONCE),
        });
        inner.remove_old_helpers().await?;
        events::spawn(&inner, tasks);
        Ok(Self {
            engines: Jobs::new("docker.engine", tasks),
            pulls: Jobs::new("docker.pull", tasks),
            inner,
        })
    }
}

impl Inner {
    /// Helpers live for less than a second, unless a manager is killed; then they hold their volume.
    async fn remove_old_helpers(&self) -> Result<()> {
        let options = ListContainersOptionsBuilder::default()
            .all(true)
            .filters(&self.names.helper_filter())
            .build();
        let helpers = self.docker.list_containers(Some(options)).await;
        let old = self.clock.now().as_second() - HELPER_AGE;
        for helper in helpers.map_err(driver_error)? {
            if let (Some(id), Some(created)) = (helper.id, helper.created)
                && created < old
            {
                self.remove_helper(&id).await?;
            }
        }
        Ok(())
    }
}

/// Docker reads credentials in the alphabet of URLs, and ignores others; bollard writes the usual one.
fn pulls(docker: &Docker) -> Docker {
    const CREDENTIALS: &str = "X-Registry-Auth";
    docker
        .clone()
        .with_timeout(PULL_ANSWER)
        .with_request_modifier(|mut request| {
            let headers = request.headers_mut();
            let usual = headers
                .get(CREDENTIALS)
                .and_then(|value| value.to_str().ok());
            let other = usual.map(|text| text.replace('+', "-").replace('/', "_"));
            if let Some(mut value) = other.and_then(|text| HeaderValue::try_from(text).ok()) {
                value.set_sensitive(true);
                headers.insert(CREDENTIALS, value);
            }
            request
        })
}

fn client(host: Option<&str>, tls: Option<&DockerTls>) -> Result<Docker> {
    let host = host.unwrap_or(DEFAULT_HOST);
    let docker = match (host.split_once("://"), tls) {
        (Some(("unix", path)), None) => unix(path),
        (Some(("tcp", _)), None) => Docker::connect_with_http(host, ANSWER, API_DEFAULT_VERSION),
        (Some(("tcp", _)), Some(tls)) => Docker::connect_with_ssl(
            host,
            &tls.key,
            &tls.cert,
            &tls.ca,
            ANSWER,
            API_DEFAULT_VERSION,
        ),
        _ => {
            return Err(DriverError::invalid(format!(
                "{host:?} is neither unix:///… nor tcp://host:port; certificates are for tcp"
            )));
        }
    };
    docker.map_err(driver_error)
}

/// A path that cannot be seen looks like one that is not there; opening it tells more.
fn unix(path: &str) -> Result<Docker, bollard::errors::Error> {
    Path::new(path).metadata()?;
    Docker::connect_with_unix(path, ANSWER, API_DEFAULT_VERSION)
}
