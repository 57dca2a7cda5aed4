//! The rules that every driver keeps; [`crate::endings`] has those about how engines end.

use std::time::Duration;

use galaxy_core::GameId;
use galaxy_drivers::{DriverError, EngineSpec, Sight};

use crate::{
    harness::{Harness, Kind},
    scene::{GRACE, Scene, eventually},
};

pub use crate::endings::*;

/// Makes a test of each rule. The argument is a function that gives the harness of one test.
macro_rules! conformance {
    ($harness:path) => {
        conformance! { $harness =>
            an_engine_comes_up_and_answers,
            applying_twice_gives_one_engine,
            verbs_of_an_older_epoch_are_fenced,
            verbs_of_an_older_epoch_are_fenced_after_the_engine_was_deleted,
            a_newer_epoch_replaces_the_engine,
            another_version_or_digest_replaces_the_engine,
            an_engine_that_exited_stays_exited,
            an_engine_that_sleeps_keeps_its_state,
            an_engine_and_its_state_are_deleted_apart,
            of_a_game_that_is_nowhere_nothing_is_seen_and_nothing_is_deleted,
            a_listing_has_every_game_of_which_something_is_left,
            a_log_is_read_from_its_end,
            an_engine_that_is_killed_is_told_of,
            an_engine_that_was_killed_comes_back_with_its_state,
            two_drivers_of_a_node_see_one_engine_and_start_no_second,
            an_image_that_is_nowhere_starts_nothing_and_ends_nothing,
            an_engine_that_does_not_end_is_killed_after_its_grace,
            children_of_an_engine_end_with_it,
        }
    };
    ($harness:path => $($rule:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $rule() {
            let harness = $harness().await;
            if $crate::harness::Harness::is_there(&harness) {
                $crate::suite::$rule(&harness).await;
            }
        }
    )+};
}

pub async fn an_engine_comes_up_and_answers(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let spec = scene.spec(1, Kind::Reference).await;
    let first = scene.driver.apply(&spec).await.unwrap();
    assert_eq!(first.epoch(), Some(1), "{first:?}");
    let instance = scene.run(&spec).await;
    assert_eq!(instance.epoch, 1);
    assert_eq!(instance.digest, spec.digest);
    assert_eq!(instance.version, spec.version);
    assert_eq!(scene.observe().await, Sight::Running(instance.clone()));
    eventually("an answer", async || {
        let answer = scene.call(&instance, "GET", "/healthz", String::new());
        (answer.await.0 == 200).then_some(())
    })
    .await;
    scene.init(&instance).await;
    assert!(scene.plays(&instance).await);
    for token in [None, Some("another token")] {
        let status = ("GET", "/api/v1/admin/status", String::new());
        let (code, _) = scene.call_as(token, &instance, status).await;
        assert_eq!(code, 401, "it knows its token");
    }
}

pub async fn applying_twice_gives_one_engine(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let spec = scene.spec(1, Kind::Reference).await;
    scene.driver.apply(&spec).await.unwrap();
    scene.driver.apply(&spec).await.unwrap();
    let instance = scene.run(&spec).await;
    assert_eq!(scene.run(&spec).await, instance);
    assert_eq!(harness.running(scene.game).await.engines, 1);
}

pub async fn verbs_of_an_older_epoch_are_fenced(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let older = scene.spec(1, Kind::Other).await;
    let instance = scene.run_reference(2).await;
    refuses_epoch_1(&scene, &older).await;
    assert_eq!(scene.observe().await, Sight::Running(instance));
}

pub async fn verbs_of_an_older_epoch_are_fenced_after_the_engine_was_deleted(
    harness: &impl Harness,
) {
    let scene = Scene::new(harness).await;
    let older = scene.spec(1, Kind::Reference).await;
    scene.run_reference(2).await;
    assert_eq!(scene.delete_engine(2).await, Sight::StateOnly);
    refuses_epoch_1(&scene, &older).await;
    assert_eq!(scene.observe().await, Sight::StateOnly);
}

async fn refuses_epoch_1<H: Harness>(scene: &Scene<'_, H>, older: &EngineSpec) {
    let (driver, game) = (&scene.driver, scene.game);
    let fenced = DriverError::Fenced { found: 2 };
    assert_eq!(driver.apply(older).await, Err(fenced.clone()));
    let slept = driver.sleep(game, 1, Duration::ZERO).await;
    assert_eq!(slept, Err(fenced.clone()));
    assert_eq!(driver.delete_engine(game, 1).await, Err(fenced.clone()));
    assert_eq!(driver.delete_state(game, 1).await, Err(fenced));
}

pub async fn a_newer_epoch_replaces_the_engine(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let old = scene.run_reference(1).await;
    scene.init(&old).await;
    let new = scene.run_reference(2).await;
    assert_eq!(new.epoch, 2);
    assert_ne!(new.container_id, old.container_id);
    assert_eq!(harness.running(scene.game).await.engines, 1);
    assert!(scene.plays(&new).await, "the state is used");
}

pub async fn another_version_or_digest_replaces_the_engine(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let first = scene.spec(1, Kind::Reference).await;
    let mut ids = vec![scene.run(&first).await.container_id];
    let version = "0.2.0".to_owned();
    let second = EngineSpec { version, ..first };
    ids.push(scene.run(&second).await.container_id);
    let third = EngineSpec {
        version: second.version,
        ..scene.spec(1, Kind::Other).await
    };
    assert_ne!(third.digest, second.digest);
    let instance = scene.run(&third).await;
    assert_eq!(
        (instance.version, instance.digest),
        (third.version, third.digest)
    );
    assert!(!ids.contains(&instance.container_id));
    assert_ne!(ids[0], ids[1]);
    assert_eq!(harness.running(scene.game).await.engines, 1);
}

pub async fn an_engine_and_its_state_are_deleted_apart(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let instance = scene.run_reference(1).await;
    scene.init(&instance).await;
    let (driver, game) = (&scene.driver, scene.game);
    let refused = driver.delete_state(game, 1).await;
    assert!(
        matches!(refused, Err(DriverError::Invalid(_))),
        "{refused:?}"
    );
    assert_eq!(scene.delete_engine(1).await, Sight::StateOnly);
    assert_eq!(scene.delete_engine(1).await, Sight::StateOnly, "again");
    assert_eq!(scene.observe().await, Sight::StateOnly);
    let instance = scene.run_reference(2).await;
    assert!(scene.plays(&instance).await, "the state was kept");

    scene.delete_engine(2).await;
    driver.delete_state(game, 2).await.unwrap();
    driver.delete_state(game, 2).await.unwrap();
    assert_eq!(scene.observe().await, Sight::Absent);
    let instance = scene.run_reference(3).await;
    assert!(!scene.plays(&instance).await, "the state was removed");
}

pub async fn of_a_game_that_is_nowhere_nothing_is_seen_and_nothing_is_deleted(
    harness: &impl Harness,
) {
    let scene = Scene::new(harness).await;
    let (driver, game) = (&scene.driver, scene.game);
    assert_eq!(scene.observe().await, Sight::Absent);
    let slept = driver.sleep(game, 1, GRACE).await;
    assert_eq!(slept, Ok(Sight::Absent));
    assert_eq!(driver.delete_engine(game, 1).await, Ok(Sight::Absent));
    assert_eq!(driver.delete_state(game, 1).await, Ok(()));
    assert_eq!(scene.log(10, false).await, Vec::<String>::new());
    assert_eq!(scene.list().await.engines, []);
}

pub async fn a_listing_has_every_game_of_which_something_is_left(harness: &impl Harness) {
    let mut scene = Scene::new(harness).await;
    let listing = scene.list().await;
    assert!(listing.complete, "an empty node is read completely");
    let mut expected: Vec<(GameId, Sight)> = vec![];
    for _ in 0..2 {
        scene.game = GameId::generate();
        let instance = scene.run_reference(1).await;
        expected.push((scene.game, Sight::Running(instance)));
    }
    scene.game = GameId::generate();
    scene.run_reference(1).await;
    let exit = scene.sleep(1, GRACE).await;
    expected.push((scene.game, Sight::Exited(exit)));
    scene.game = GameId::generate();
    scene.run_reference(1).await;
    scene.delete_engine(1).await;
    expected.push((scene.game, Sight::StateOnly));
    scene.game = GameId::generate();
    scene.run_reference(1).await;
    scene.delete_engine(1).await;
    scene.driver.delete_state(scene.game, 1).await.unwrap();

    let mut listing = scene.list().await;
    listing.engines.sort_unstable_by_key(|(game, _)| *game);
    expected.sort_unstable_by_key(|(game, _)| *game);
    assert_eq!(listing.engines, expected);
    assert!(listing.complete);
}

pub async fn a_log_is_read_from_its_end(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    scene.run_reference(1).await;
    let has = |log: &[String], text: &str| log.iter().any(|line| line.contains(text));
    // An engine tells its port before it writes that it is ready.
    eventually("a line in the log", async || {
        has(&scene.log(100, false).await, "ready").then_some(())
    })
    .await;
    scene.sleep(1, GRACE).await;
    let last = scene.log(1, false).await;
    assert!(last.len() == 1 && last[0].contains("stopping"), "{last:?}");
    assert!(has(&scene.log(100, false).await, "ready"));

    scene.run_reference(2).await;
    assert!(!has(&scene.log(100, false).await, "stopping"));
    if harness.keeps_previous_log() {
        let previous = scene.log(100, true).await;
        assert!(has(&previous, "stopping"), "{previous:?}");
    }
}

pub async fn two_drivers_of_a_node_see_one_engine_and_start_no_second(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let other = harness.driver().await;
    assert_eq!(scene.driver.node(), other.node());
    for epoch in 1..=3 {
        let spec = scene.spec(epoch, Kind::Reference).await;
        let instance = eventually("both see it run", async || {
            let (one, two) = tokio::join!(scene.driver.apply(&spec), other.apply(&spec));
            match (one.unwrap(), two.unwrap()) {
                (Sight::Running(one), Sight::Running(two)) => {
                    assert_eq!(one, two);
                    Some(one)
                }
                _ => None,
            }
        })
        .await;
        assert_eq!(instance.epoch, epoch);
        assert_eq!(harness.running(scene.game).await.engines, 1);
    }
}

pub async fn an_image_that_is_nowhere_starts_nothing_and_ends_nothing(harness: &impl Harness) {
    let scene = Scene::new(harness).await;
    let missing = scene.unresolved(2, Kind::Missing);
    let no_image = eventually("the fetch fails", async || {
        let resolved = scene.driver.resolve(&missing.image).await;
        resolved.err()
    })
    .await;
    assert!(matches!(no_image, DriverError::NoImage(_)), "{no_image:?}");
    let refused = scene.driver.apply(&missing).await;
    assert!(
        matches!(refused, Err(DriverError::NoImage(_))),
        "{refused:?}"
    );
    assert_eq!(scene.observe().await, Sight::Absent);

    let instance = scene.run_reference(1).await;
    let refused = scene.driver.apply(&missing).await;
    assert!(
        matches!(refused, Err(DriverError::NoImage(_))),
        "{refused:?}"
    );
    assert_eq!(scene.observe().await, Sight::Running(instance));
}
