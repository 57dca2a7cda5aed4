//! Reaching a cluster.

use std::{path::Path, sync::Arc, time::Duration};

use galaxy_core::Clock;
use galaxy_service::Tasks;
use kube::{
    Api, Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use parking_lot::Mutex;

use super::{
    Apis, Inner, KubernetesDriver, config::KubernetesConfig, end::Ends, error::driver_error,
    events, image::Images, names::Names,
};
use crate::{DriverError, Node, Result, feed::Feed};

/// How long the cluster may take to take a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// How long it may take over the first question.
const ANSWER: Duration = Duration::from_secs(30);

impl KubernetesDriver {
    /// Connects, and reads the namespace. Errors: [`DriverError::Unavailable`] if the cluster does not answer,
    /// [`DriverError::Denied`] if the namespace may not be read, [`DriverError::Invalid`] for settings that cannot be used
    /// and a namespace that is not there.
    pub async fn connect(config: KubernetesConfig, tasks: &Tasks, clock: Clock) -> Result<Self> {
        config.check()?;
        let mut settings = settings(config.kubeconfig.as_deref()).await?;
        settings.connect_timeout = Some(CONNECT);
        let client = Client::try_from(settings).map_err(driver_error)?;
        let api = Apis::new(&client, &config.namespace);
        let uid = tokio::time::timeout(ANSWER, api.namespace_uid(&config.namespace));
        let uid = uid.await.map_err(|_| DriverError::TimedOut)??;
        let names = Names::new(
            &config.deployment,
            &config.namespace,
            &config.cluster_domain,
        );
        let inner = Arc::new(Inner {
            api,
            node: Node {
                id: uid,
                name: config.namespace.clone(),
                driver: "kubernetes",
            },
            names,
            config,
            clock,
            tasks: tasks.clone(),
            images: Images::default(),
            ends: Ends::default(),
            kept: Mutex::default(),
            snapshot: Mutex::default(),
            events: Feed::default(),
        });
        events::spawn(&inner, tasks);
        Ok(Self { inner })
    }
}

/// What a file says, or the cluster that this process runs in, or what `kubectl` would use.
async fn settings(file: Option<&Path>) -> Result<Config> {
    let Some(file) = file else {
        return Config::infer().await.map_err(DriverError::invalid);
    };
    let file = file.to_owned();
    let read = tokio::task::spawn_blocking(move || Kubeconfig::read_from(file)).await;
    let read = read.map_err(DriverError::unavailable)?;
    let options = KubeConfigOptions::default();
    let settings = Config::from_custom_kubeconfig(read.map_err(DriverError::invalid)?, &options);
    settings.await.map_err(DriverError::invalid)
}

impl Apis {
    fn new(client: &Client, namespace: &str) -> Self {
        Self {
            namespaces: Api::all(client.clone()),
            sets: Api::namespaced(client.clone(), namespace),
            pods: Api::namespaced(client.clone(), namespace),
            claims: Api::namespaced(client.clone(), namespace),
            services: Api::namespaced(client.clone(), namespace),
            secrets: Api::namespaced(client.clone(), namespace),
            events: Api::namespaced(client.clone(), namespace),
        }
    }

    async fn namespace_uid(&self, name: &str) -> Result<String> {
        let found = self.namespaces.get_opt(name).await.map_err(driver_error)?;
        let uid = found.and_then(|namespace| namespace.metadata.uid);
        uid.ok_or_else(|| DriverError::invalid(format!("there is no namespace {name:?}: make it")))
    }
}

impl Inner {
    /// Errors: [`DriverError::Unavailable`] if another cluster, or another namespace of the name, is there now. What that
    /// one does not have is no absence, so this is asked before an absence is told.
    pub(super) async fn check_node(&self) -> Result<()> {
        let uid = self.api.namespace_uid(&self.config.namespace).await;
        match uid {
            Ok(uid) if uid == self.node.id => Ok(()),
            Ok(_) | Err(DriverError::Invalid(_)) => Err(DriverError::unavailable(
                "the namespace is another one now: start the manager anew",
            )),
            Err(error) => Err(error),
        }
    }
}
