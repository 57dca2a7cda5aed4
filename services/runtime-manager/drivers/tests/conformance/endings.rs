//! The rules about how engines end: by themselves, asleep, killed, with their children.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use galaxy_drivers::{DriverEvent, Sight};

use crate::{
    harness::{Harness, Kind, Running},
    scene::{GRACE, Scene, eventually},
};

pub async fn an_engine_that_exited_stays_exited(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let spec = scene.spec(1, Kind::ExitsWith7).await;
    scene.driver.apply(&spec).await.unwrap();
    let exit = scene.exited().await;
    assert_eq!((exit.epoch, exit.code, exit.oom), (1, Some(7), false));
    assert!(exit.at.is_some());
    let again = scene.driver.apply(&spec).await.unwrap();
    assert_eq!(again, Sight::Exited(exit));
    scene.run_reference(2).await;
}

pub async fn an_engine_that_sleeps_keeps_its_state(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let instance = scene.run_reference(1).await;
    scene.init(&instance).await;
    let exit = scene.sleep(1, GRACE).await;
    assert_eq!((exit.epoch, exit.code), (1, Some(0)), "it ended gently");
    assert_eq!(harness.running(scene.game).await.processes, 0);
    assert_eq!(scene.sleep(1, GRACE).await, exit, "asleep already");
    let spec = scene.spec(1, Kind::Reference).await;
    let applied = scene.driver.apply(&spec).await.unwrap();
    assert_eq!(applied, Sight::Exited(exit), "a new run takes a new epoch");
    let instance = scene.run_reference(2).await;
    assert!(scene.plays(&instance).await);
}

pub async fn an_engine_that_is_killed_is_told_of(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let other = harness.driver().await;
    scene.run_reference(1).await;
    let seen = other.observe(scene.game).await.unwrap();
    assert!(matches!(seen, Sight::Running(_)), "{seen:?}");
    for driver in [&scene.driver, &other] {
        driver.observe(scene.game).await.unwrap();
    }
    let (mut events, mut others) = (scene.driver.events(), other.events());
    harness.kill(scene.game).await;
    let told = async {
        while events.next().await != Some(DriverEvent::Changed(scene.game)) {}
        while others.next().await != Some(DriverEvent::Changed(scene.game)) {}
    };
    tokio::time::timeout(GRACE, told).await.expect("an event");
    let exit = scene.exited().await;
    assert_eq!(exit.code, Some(137), "128 and the signal");
    assert_eq!(other.observe(scene.game).await, Ok(Sight::Exited(exit)));
}

pub async fn an_engine_that_was_killed_comes_back_with_its_state(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let instance = scene.run_reference(1).await;
    scene.init(&instance).await;
    harness.kill(scene.game).await;
    scene.exited().await;
    let instance = scene.run_reference(2).await;
    assert!(scene.plays(&instance).await);
}

pub async fn an_engine_that_does_not_end_is_killed_after_its_grace(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let spec = scene.spec(1, Kind::IgnoresTerm).await;
    scene.run(&spec).await;
    let (begun, grace) = (Instant::now(), Duration::from_secs(1));
    let slept = scene.driver.sleep(scene.game, 1, grace).await.unwrap();
    assert!(matches!(slept, Sight::Pending { .. }), "{slept:?}");
    let exit = scene.exited().await;
    assert_eq!(exit.code, Some(137));
    assert!(begun.elapsed() >= grace, "after {:?}", begun.elapsed());
    assert_eq!(harness.running(scene.game).await.processes, 0);
}

pub async fn children_of_an_engine_end_with_it(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let none = Running {
        engines: 0,
        processes: 0,
    };
    let run = async |epoch| {
        let spec = scene.spec(epoch, Kind::Forks).await;
        scene.run(&spec).await;
        eventually("its children run", async || {
            let running = harness.running(scene.game).await;
            (running.processes > 1).then_some(())
        })
        .await;
    };
    run(1).await;
    scene.sleep(1, GRACE).await;
    assert_eq!(harness.running(scene.game).await, none, "asleep");
    run(2).await;
    harness.kill(scene.game).await;
    scene.exited().await;
    assert_eq!(harness.running(scene.game).await, none, "killed");
    run(3).await;
    scene.run_reference(4).await;
    let running = harness.running(scene.game).await;
    assert_eq!(running.processes, 1, "replaced");
    run(5).await;
    scene.delete_engine(5).await;
    assert_eq!(harness.running(scene.game).await, none, "deleted");
}
