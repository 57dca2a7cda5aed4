//! The suite for the driver `kubernetes`, in a real cluster that somebody names: see `docs/contributing.md`.
//!
//! Rules that need a process to be killed from outside its pod, or processes to be counted, are the mock cluster's.

use std::{sync::Arc, time::Duration};

use galaxy_core::{Clock, Endpoint, GameId};
use galaxy_drivers::{Driver, KubernetesConfig, KubernetesDriver};
use galaxy_service::Tasks;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Pod},
};
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams},
};

use crate::harness::{Call, Harness, Kind, Program, Running, http};

conformance! { Node::new =>
    an_engine_comes_up_and_answers,
    applying_twice_gives_one_engine,
    verbs_of_an_older_epoch_are_fenced,
    verbs_of_an_older_epoch_are_fenced_after_the_engine_was_deleted,
    a_newer_epoch_replaces_the_engine,
    another_version_or_digest_replaces_the_engine,
    an_engine_that_exited_stays_exited,
    an_engine_and_its_state_are_deleted_apart,
    of_a_game_that_is_nowhere_nothing_is_seen_and_nothing_is_deleted,
    a_listing_has_every_game_of_which_something_is_left,
    a_log_is_read_from_its_end,
    two_drivers_of_a_node_see_one_engine_and_start_no_second,
    an_image_that_is_nowhere_starts_nothing_and_ends_nothing,
}

/// Two images with the reference engine and `wrapper.rs`, as the suite for Docker makes them: `one,other`.
const IMAGES: &str = "GALAXY_TEST_KUBERNETES_IMAGES";
/// The namespace, made for these tests.
const NAMESPACE: &str = "GALAXY_TEST_KUBERNETES_NAMESPACE";

/// A deployment of its own in the namespace. Everything of it is removed at the end.
struct Node {
    images: Option<[String; 2]>,
    config: KubernetesConfig,
    tasks: Tasks,
}

impl Node {
    /// Without a word where no cluster is named: the mock cluster has the same rules.
    fn new() -> std::future::Ready<Self> {
        let text = |name| std::env::var_os(name).and_then(|text| text.into_string().ok());
        let images = text("KUBECONFIG").and_then(|_| text(IMAGES));
        let images = images.and_then(|images| {
            let (one, other) = images.split_once(',')?;
            Some([one.to_owned(), other.to_owned()])
        });
        if images.is_some() {
            eprintln!("runs in a real cluster");
        }
        let deployment = format!("test-{}", GameId::generate().uuid().simple());
        let namespace = text(NAMESPACE).unwrap_or_else(|| "galaxy-engines".to_owned());
        std::future::ready(Self {
            images,
            config: KubernetesConfig {
                volume_size: 16 << 20,
                ..KubernetesConfig::new(deployment, namespace)
            },
            tasks: Tasks::new(),
        })
    }

    async fn pods(&self, game: GameId) -> Vec<Pod> {
        let pods: Api<Pod> = Api::namespaced(client().await, &self.config.namespace);
        let deployment = &self.config.deployment;
        let selector = format!("galaxy.deployment={deployment},galaxy.game_id={game}");
        let pods = pods.list(&ListParams::default().labels(&selector)).await;
        pods.unwrap().items
    }
}

async fn client() -> Client {
    Client::try_default().await.unwrap()
}

impl Harness for Node {
    fn is_there(&self) -> bool {
        self.images.is_some()
    }

    fn keeps_previous_log(&self) -> bool {
        true
    }

    async fn driver(&self) -> Arc<dyn Driver> {
        let driver = KubernetesDriver::connect(self.config.clone(), &self.tasks, Clock::system());
        Arc::new(driver.await.unwrap())
    }

    fn program(&self, kind: Kind) -> Program {
        let [reference, other] = self.images.clone().unwrap();
        let (image, wrapper) = match kind {
            Kind::Reference => (reference, ""),
            Kind::Other => (other, ""),
            Kind::ExitsWith7 => (reference, "exits with 7"),
            Kind::IgnoresTerm => (reference, "ignores SIGTERM"),
            Kind::Forks => (reference, "forks"),
            Kind::Missing => ("127.0.0.1:1/nowhere/engine:1".to_owned(), ""),
        };
        Program {
            image,
            environment: vec![("WRAPPER".to_owned(), wrapper.to_owned())],
        }
    }

    async fn kill(&self, _: GameId) {
        panic!("a pod's first process cannot be killed through the API");
    }

    /// A pod counts as an engine of one process.
    async fn running(&self, game: GameId) -> Running {
        let engines = self.pods(game).await.len();
        Running {
            engines,
            processes: engines,
        }
    }

    /// This machine has a route to pods, but not the cluster's DNS.
    async fn call(&self, _: &Endpoint, call: &Call<'_>) -> (u16, String) {
        let answered = async {
            loop {
                let pods = self.pods(call.game).await;
                let address = pods.into_iter().find_map(|pod| pod.status?.pod_ip);
                if let Some(address) = address
                    && let Ok(endpoint) = Endpoint::new(&address, 8080)
                    && let Ok(answer) = http(&endpoint, call).await
                {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let answer = tokio::time::timeout(Duration::from_secs(30), answered).await;
        answer.expect("an answer in time")
    }
}

impl Drop for Node {
    /// The runtime of the test cannot be waited for here.
    fn drop(&mut self) {
        if self.images.is_none() {
            return;
        }
        let (tasks, config) = (self.tasks.clone(), self.config.clone());
        let removed = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                tasks.shut_down(Duration::ZERO).await;
                let selector = format!("galaxy.deployment={}", config.deployment);
                let (all, now) = (
                    ListParams::default().labels(&selector),
                    DeleteParams::default(),
                );
                let (client, namespace) = (client().await, &config.namespace);
                let sets: Api<StatefulSet> = Api::namespaced(client.clone(), namespace);
                sets.delete_collection(&now, &all).await.unwrap();
                let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
                pods.delete_collection(&now, &all).await.unwrap();
                let claims: Api<PersistentVolumeClaim> = Api::namespaced(client, namespace);
                claims.delete_collection(&now, &all).await.unwrap();
            });
        });
        removed.join().unwrap();
    }
}
