//! What only the driver `process` must do, for managers that follow each other or share a directory.

use std::{fs, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, future::join_all};
use galaxy_drivers::{DriverError, DriverEvent, Sight};
use galaxy_service::Tasks;
use rustix::process::{Signal, kill_process};

use crate::{
    harness::{Harness as _, Kind},
    process::{Node, pid},
    scene::{GRACE, Scene, eventually},
};

const SHUTDOWN: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_engine_outlives_its_manager_and_the_next_one_sees_it_end() {
    let node = Node::new();
    let mut scene = Scene::new(&node).await;
    let instance = scene.run_reference(1).await;
    assert!(node.tasks.shut_down(SHUTDOWN).await);
    let tasks = Tasks::new();
    scene.driver = Arc::new(node.driver_with(&tasks));
    let mut events = scene.driver.events();
    assert_eq!(scene.observe().await, Sight::Running(instance.clone()));
    kill_process(pid(&instance), Signal::KILL).unwrap();
    let event = events.next();
    let event = tokio::time::timeout(GRACE, event).await.unwrap();
    assert_eq!(event, Some(DriverEvent::Changed(scene.game)));
    let exit = scene.exited().await;
    assert_eq!((exit.code, exit.at), (None, None), "nobody saw how");
}

#[tokio::test]
async fn an_engine_that_was_told_to_end_is_killed_by_the_next_manager() {
    let node = Node::new();
    let mut scene = Scene::new(&node).await;
    let spec = scene.spec(1, Kind::IgnoresTerm).await;
    scene.run(&spec).await;
    let grace = Duration::from_millis(300);
    let slept = scene.driver.sleep(scene.game, 1, grace).await.unwrap();
    assert!(matches!(slept, Sight::Pending { .. }), "{slept:?}");
    assert!(node.tasks.shut_down(SHUTDOWN).await);
    scene.driver = Arc::new(node.driver_with(&Tasks::new()));
    // Its grace is an hour, but the first one counts.
    scene.sleep(1, Duration::from_hours(1)).await;
    assert_eq!(node.running(scene.game).await.processes, 0);
}

#[tokio::test]
async fn a_verb_does_not_wait_for_ever_for_the_lock_of_another_manager() {
    let node = Node::new();
    let scene = Scene::new(&node).await;
    let instance = scene.run_reference(1).await;
    let lock = fs::File::open(node.home(scene.game).join("lock")).unwrap();
    lock.lock().unwrap();
    let slept = scene.driver.sleep(scene.game, 1, GRACE).await;
    assert!(
        matches!(slept, Err(DriverError::Unavailable(_))),
        "{slept:?}"
    );
    assert_eq!(scene.observe().await, Sight::Running(instance));
}

#[tokio::test]
async fn verbs_of_many_epochs_at_once_leave_one_engine_of_the_newest() {
    let node = Node::new();
    let scene = Scene::new(&node).await;
    let other = node.driver().await;
    let mut specs = vec![];
    for epoch in 1..=8 {
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
        let fenced = |done: &Result<Sight, _>| matches!(done, Err(DriverError::Fenced { .. }));
        assert!(
            done.iter().all(|done| done.is_ok() || fenced(done)),
            "{done:?}"
        );
        match scene.observe().await {
            Sight::Running(instance) if instance.epoch == 8 => Some(instance),
            _ => None,
        }
    })
    .await;
    assert_eq!(other.observe(scene.game).await, Ok(Sight::Running(newest)));
    assert_eq!(node.running(scene.game).await.engines, 1);
}
