//! What only the driver `kubernetes` must do.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use galaxy_drivers::{Driver as _, DriverError, KubernetesConfig, KubernetesDriver, Sight};
use galaxy_service::Tasks;
use serde_json::{Value, json};

use crate::{
    harness::{Harness as _, Kind},
    kubernetes::{NAMESPACE, Node},
    scene::{GRACE, Scene, TOKEN, eventually},
};

/// Makes a test of each function, which is given a node if there is one.
macro_rules! in_a_cluster {
    ($($rule:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $rule() {
            let node = Node::new();
            if node.is_there() {
                super::$rule(&node).await;
            }
        }
    )+};
}

mod tests {
    use crate::{harness::Harness as _, kubernetes::Node};

    in_a_cluster! {
        verbs_of_many_epochs_at_once_leave_one_engine_of_the_newest,
        a_pod_that_the_cluster_replaces_is_another_run_and_no_end,
        an_engine_that_ended_while_no_manager_ran_has_ended,
        an_engine_that_went_to_sleep_unseen_has_no_code,
        an_engine_whose_set_was_deleted_by_hand_leaves_its_state,
        a_set_that_is_not_an_engine_is_left_alone,
        the_token_is_in_no_pod,
        nothing_is_left_of_a_game_that_was_deleted,
        a_namespace_that_is_not_there_is_named,
        the_mock_cluster_refuses_what_a_real_one_does,
    }
}

const SETS: &str = "/apis/apps/v1/namespaces/engines/statefulsets";
const CORE: &str = "/api/v1/namespaces/engines";

impl Scene<'_, Node> {
    async fn all(&self, path: &str) -> Vec<Value> {
        let (status, list) = self.harness.api("GET", path, json!({})).await;
        assert_eq!(status, 200, "{path}");
        list["items"].as_array().unwrap().clone()
    }

    /// The name of the game's set; its pod's is one longer.
    async fn engine(&self) -> String {
        let sets = self.all(SETS).await;
        let game = self.game.to_string();
        let of_game = |set: &&Value| set["metadata"]["labels"]["galaxy.game_id"] == game.as_str();
        let set = sets.iter().find(of_game).expect("a set of the game");
        set["metadata"]["name"].as_str().unwrap().to_owned()
    }
}

async fn verbs_of_many_epochs_at_once_leave_one_engine_of_the_newest(node: &Node) {
    let scene = Scene::new(node).await;
    let other = node.driver().await;
    let mut specs = vec![];
    for epoch in 1..=6 {
        specs.push(scene.spec(epoch, Kind::Reference).await);
    }
    let newest = eventually("the newest runs", async || {
        let verbs = specs.iter().flat_map(|spec| {
            let (game, epoch) = (spec.game, spec.epoch);
            [
                scene.driver.apply(spec),
                other.apply(spec),
                other.sleep(game, epoch - 1, GRACE),
            ]
        });
        let done = join_all(verbs).await;
        assert!(node.running(scene.game).await.engines <= 1);
        let expected = |done: &Result<Sight, DriverError>| match done {
            Err(DriverError::Fenced { .. }) | Ok(_) => true,
            Err(error) => error.is_outage(),
        };
        assert!(done.iter().all(expected), "{done:?}");
        match scene.observe().await {
            Sight::Running(instance) if instance.epoch == 6 => Some(instance),
            _ => None,
        }
    })
    .await;
    assert_eq!(other.observe(scene.game).await, Ok(Sight::Running(newest)));
    assert_eq!(node.running(scene.game).await.engines, 1);
}

async fn a_pod_that_the_cluster_replaces_is_another_run_and_no_end(node: &Node) {
    let scene = Scene::new(node).await;
    let first = scene.run_reference(1).await;
    scene.init(&first).await;
    let pod = format!("{CORE}/pods/{}-0", scene.engine().await);
    let (status, _) = node.api("DELETE", &pod, json!({})).await;
    assert_eq!(status, 200);
    let second = eventually("another pod runs", async || match scene.observe().await {
        Sight::Running(instance) if instance.container_id != first.container_id => Some(instance),
        Sight::Running(_) | Sight::Pending { .. } => None,
        other => panic!("{other:?}"),
    })
    .await;
    assert_eq!((second.epoch, &second.endpoint), (1, &first.endpoint));
    assert!(scene.plays(&second).await);
}

async fn an_engine_that_ended_while_no_manager_ran_has_ended(node: &Node) {
    let mut scene = Scene::new(node).await;
    scene.run_reference(1).await;
    assert!(node.tasks.shut_down(GRACE).await);
    node.kill(scene.game).await;
    let pod = format!("{CORE}/pods/{}-0", scene.engine().await);
    eventually("the cluster has started it again", async || {
        let (_, pod) = node.api("GET", &pod, json!({})).await;
        (pod["status"]["containerStatuses"][0]["restartCount"] == 1).then_some(())
    })
    .await;
    scene.driver = Arc::new(new_driver(node.config(), &Tasks::new()).await);
    let exit = scene.exited().await;
    assert_eq!((exit.epoch, exit.code), (1, Some(137)));
    assert_eq!(node.running(scene.game).await.processes, 0);
    scene.run_reference(2).await;
}

async fn an_engine_that_went_to_sleep_unseen_has_no_code(node: &Node) {
    let mut scene = Scene::new(node).await;
    let spec = scene.spec(1, Kind::IgnoresTerm).await;
    scene.run(&spec).await;
    let pod = format!("{CORE}/pods/{}-0", scene.engine().await);
    let slept = scene.driver.sleep(scene.game, 1, GRACE).await.unwrap();
    assert!(matches!(slept, Sight::Pending { .. }), "{slept:?}");
    assert!(node.tasks.shut_down(GRACE).await);
    let at_once = json!({ "gracePeriodSeconds": 0 });
    assert_eq!(node.api("DELETE", &pod, at_once).await.0, 200);
    scene.driver = Arc::new(new_driver(node.config(), &Tasks::new()).await);
    let exit = scene.exited().await;
    assert_eq!((exit.epoch, exit.code, exit.at), (1, None, None));
    assert_eq!(scene.sleep(1, GRACE).await, exit);
}

async fn an_engine_whose_set_was_deleted_by_hand_leaves_its_state(node: &Node) {
    let scene = Scene::new(node).await;
    let instance = scene.run_reference(1).await;
    scene.init(&instance).await;
    let set = format!("{SETS}/{}", scene.engine().await);
    assert_eq!(node.api("DELETE", &set, json!({})).await.0, 200);
    eventually("its pod is gone", async || match scene.observe().await {
        Sight::StateOnly => Some(()),
        Sight::Pending { epoch: 1, .. } => None,
        other => panic!("{other:?}"),
    })
    .await;
    let instance = scene.run_reference(2).await;
    assert!(scene.plays(&instance).await);
}

async fn a_set_that_is_not_an_engine_is_left_alone(node: &Node) {
    let scene = Scene::new(node).await;
    let spec = scene.spec(1, Kind::Reference).await;
    scene.run(&spec).await;
    let name = scene.engine().await;
    let (_, mut set) = node.api("GET", &format!("{SETS}/{name}"), json!({})).await;
    scene.delete_engine(1).await;
    set["metadata"] = json!({ "name": name, "labels": { "made": "by-hand" } });
    let path = format!("{SETS}?fieldManager=somebody");
    assert_eq!(node.api("POST", &path, set).await.0, 201);
    let seen = scene.observe().await;
    assert!(matches!(seen, Sight::Unknown(_)), "{seen:?}");
    let (driver, game) = (&scene.driver, scene.game);
    let refused = [
        driver.apply(&spec).await,
        driver.sleep(game, 1, GRACE).await,
        driver.delete_engine(game, 1).await,
    ];
    for refused in refused {
        assert!(
            matches!(refused, Err(DriverError::Invalid(_))),
            "{refused:?}"
        );
    }
    assert_eq!(scene.all(SETS).await.len(), 1);
}

async fn the_token_is_in_no_pod(node: &Node) {
    let scene = Scene::new(node).await;
    scene.run_reference(1).await;
    let seen = [
        scene.all(SETS).await,
        scene.all(&format!("{CORE}/pods")).await,
    ];
    let text = json!(seen).to_string();
    assert!(text.contains(&scene.game.to_string()) && !text.contains(TOKEN));
    assert!(!text.contains("ENGINE_TOKEN"));
}

async fn nothing_is_left_of_a_game_that_was_deleted(node: &Node) {
    let scene = Scene::new(node).await;
    for epoch in 1..=2 {
        scene.run_reference(epoch).await;
    }
    scene.delete_engine(2).await;
    scene.driver.delete_state(scene.game, 2).await.unwrap();
    for kind in ["pods", "persistentvolumeclaims"] {
        eventually(kind, async || {
            let left = scene.all(&format!("{CORE}/{kind}")).await;
            left.is_empty().then_some(())
        })
        .await;
    }
    assert_eq!(scene.all(SETS).await, Vec::<Value>::new());
    // The driver may not list these, the mock cluster's own page may.
    eventually("services and secrets", async || {
        let (_, left) = node.api("GET", "/left", json!({})).await;
        (left == json!({})).then_some(())
    })
    .await;
}

async fn a_namespace_that_is_not_there_is_named(node: &Node) {
    let config = KubernetesConfig {
        namespace: "nowhere".to_owned(),
        ..node.config()
    };
    let tasks = Tasks::new();
    let refused = KubernetesDriver::connect(config, &tasks, galaxy_core::Clock::system()).await;
    let Err(DriverError::Invalid(why)) = refused.map(|_| ()) else {
        panic!("it is not there");
    };
    assert!(why.contains("nowhere") && why.contains("make it"), "{why}");
}

async fn new_driver(config: KubernetesConfig, tasks: &Tasks) -> KubernetesDriver {
    let clock = galaxy_core::Clock::system();
    let driver = KubernetesDriver::connect(config, tasks, clock)
        .await
        .unwrap();
    assert_eq!(driver.node().name, NAMESPACE);
    driver
}

async fn the_mock_cluster_refuses_what_a_real_one_does(node: &Node) {
    let scene = Scene::new(node).await;
    scene.run_reference(1).await;
    let name = scene.engine().await;
    let (_, set) = node.api("GET", &format!("{SETS}/{name}"), json!({})).await;
    let make = async |object: &str, field: &str, value: Value| {
        let mut set = set.clone();
        set["metadata"] = json!({ "name": "another", "labels": set["metadata"]["labels"] });
        set.pointer_mut(object).unwrap()[field] = value;
        let path = format!("{SETS}?fieldManager=somebody");
        node.api("POST", &path, set).await.0
    };
    let pod = "/spec/template/spec";
    for (status, object, field, value) in [
        (422, "/spec", "replica", json!(1)),
        (422, "/spec", "replicas", json!("1")),
        (422, "/metadata/labels", "a", json!("sha256:aa")),
        (422, "/metadata", "name", json!("Another_")),
        (422, "/spec/selector/matchLabels", "a", json!("b")),
        (422, pod, "restartPolicy", json!("Never")),
        (403, pod, "securityContext", json!({})),
        (400, "/metadata", "resourceVersion", json!("1")),
    ] {
        assert_eq!(make(object, field, value).await, status, "{object}/{field}");
    }
    let again = make("/metadata", "name", json!(name)).await;
    assert_eq!(again, 409, "it exists");
    let stale = json!({ "preconditions": { "resourceVersion": "1" } });
    let deleted = node.api("DELETE", &format!("{SETS}/{name}"), stale).await;
    assert_eq!(deleted.0, 409, "it has changed");
    let read = node.api("GET", &format!("{CORE}/secrets"), json!({})).await;
    assert_eq!(read.0, 403, "secrets cannot be read");
    assert_eq!(
        node.violations().lines().count(),
        9,
        "{}",
        node.violations()
    );
    node.clear_violations();
    tokio::time::timeout(Duration::from_secs(1), scene.observe())
        .await
        .expect("it goes on");
}
