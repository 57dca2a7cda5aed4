//! One engine from its first start to the removal of its state.

use std::time::{Duration, Instant};

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptionsBuilder, ListVolumesOptions};
use futures_util::TryStreamExt as _;
use galaxy_drivers::{DockerDriver, Driver as _, DriverError, Exit, LogQuery, Sight};

use crate::world::{ask, run, running, settled, until};

#[tokio::test]
async fn state_outlives_engines_until_it_is_removed() {
    run(|world| async move {
        let driver = world.driver().await;
        let mut spec = world.spec(&driver).await;
        let game = spec.game;
        assert_eq!(driver.observe(game).await, Ok(Sight::Absent));
        let engine = running(&driver, &spec).await;
        assert_eq!((engine.epoch, engine.version.as_str()), (1, "1.0.0"));
        assert_eq!(engine.digest, spec.digest);
        assert_eq!(
            driver.observe(game).await,
            Ok(Sight::Running(engine.clone()))
        );
        ask(&engine, "/write?/var/lib/galaxy/game").await.unwrap();

        driver
            .sleep(game, 1, Duration::from_millis(100))
            .await
            .unwrap();
        let ended = settled(&driver, game).await;
        let Sight::Exited(Exit {
            epoch: 1,
            code: Some(137),
            oom: false,
            at: Some(_),
        }) = ended
        else {
            panic!("{ended:?}");
        };
        let again = driver.apply(&spec).await.unwrap();
        assert_eq!(again, ended, "a run that has ended stays ended");

        spec.epoch = 2;
        let engine = running(&driver, &spec).await;
        assert_eq!(
            ask(&engine, "/read?/var/lib/galaxy/game").await.unwrap(),
            "written"
        );

        let refused = driver.delete_state(game, 2).await;
        assert!(
            matches!(refused, Err(DriverError::Invalid(_))),
            "{refused:?}"
        );
        assert_eq!(deleted(&driver, &spec).await, Sight::StateOnly);
        assert_eq!(
            driver.delete_state(game, 1).await,
            Err(DriverError::Fenced { found: 2 })
        );
        assert_eq!(driver.delete_state(game, 2).await, Ok(()));
        assert_eq!(driver.observe(game).await, Ok(Sight::Absent));
        assert_eq!(driver.delete_state(game, 2).await, Ok(()), "again");
        let left = world
            .docker
            .list_volumes(None::<ListVolumesOptions>)
            .await
            .unwrap()
            .volumes;
        let name = world.name(game);
        let left: Vec<_> = left
            .into_iter()
            .flatten()
            .filter(|v| v.name.contains(&name))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    })
    .await;
}

#[tokio::test]
async fn a_verb_of_an_older_epoch_changes_nothing() {
    run(|world| async move {
        let driver = world.driver().await;
        let mut spec = world.spec(&driver).await;
        spec.epoch = 5;
        let engine = running(&driver, &spec).await;
        spec.epoch = 4;
        let fenced = DriverError::Fenced { found: 5 };
        let game = spec.game;
        assert_eq!(driver.apply(&spec).await, Err(fenced.clone()));
        assert_eq!(
            driver.sleep(game, 4, Duration::ZERO).await,
            Err(fenced.clone())
        );
        assert_eq!(driver.delete_engine(game, 4).await, Err(fenced.clone()));
        assert_eq!(driver.delete_state(game, 4).await, Err(fenced));
        assert_eq!(driver.observe(game).await, Ok(Sight::Running(engine)));
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_does_not_end_holds_no_verb_up() {
    run(|world| async move {
        let driver = world.driver().await;
        let mut spec = world.spec(&driver).await;
        spec.grace = Duration::from_secs(3);
        running(&driver, &spec).await;
        spec.epoch = 2;
        let began = Instant::now();
        let sight = driver.apply(&spec).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(2));
        let Sight::Pending { epoch: 2, why } = sight else {
            panic!("{sight:?}");
        };
        assert_eq!(why, "an older engine is being ended");
        let fenced = driver.sleep(spec.game, 1, Duration::ZERO).await;
        assert_eq!(
            fenced,
            Err(DriverError::Fenced { found: 2 }),
            "its end is under way"
        );
        assert_eq!(running(&driver, &spec).await.epoch, 2);

        // Ended slowly, and then removed at once.
        let sight = driver.sleep(spec.game, 2, Duration::from_mins(5)).await;
        assert!(
            matches!(sight, Ok(Sight::Pending { epoch: 2, .. })),
            "{sight:?}"
        );
        assert_eq!(deleted(&driver, &spec).await, Sight::StateOnly);
    })
    .await;
}

#[tokio::test]
async fn an_engine_of_another_version_or_digest_is_replaced() {
    run(|world| async move {
        let driver = world.driver().await;
        let mut spec = world.spec(&driver).await;
        let first = running(&driver, &spec).await;
        "1.0.1".clone_into(&mut spec.version);
        let second = running(&driver, &spec).await;
        assert_ne!(first.container_id, second.container_id);
        assert_eq!(second.version, "1.0.1");
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_ends_by_itself_says_how() {
    run(|world| async move {
        let driver = world.driver().await;
        let mut spec = world.spec(&driver).await;
        spec.environment = vec![("PROBE_EXIT".to_owned(), "3".to_owned())];
        let ended = until(async || match driver.apply(&spec).await.unwrap() {
            Sight::Exited(exit) => Some(exit),
            _ => None,
        })
        .await;
        assert_eq!((ended.epoch, ended.code, ended.oom), (1, Some(3), false));
    })
    .await;
}

#[tokio::test]
async fn an_image_without_a_program_is_refused_in_dockers_words() {
    run(|world| async move {
        let driver = world.driver().await;
        let image = format!("{}-empty:1", world.config.deployment);
        world.images.lock().push(image.clone());
        crate::image::import(&world.docker, &image, "/nothing", &[("engine", b"")]).await;
        let mut spec = world.spec(&driver).await;
        let resolved = driver.resolve(&image).await;
        let Ok(galaxy_drivers::Resolved::Ready(digest)) = resolved else {
            panic!("{resolved:?}");
        };
        (spec.image, spec.digest) = (image, digest);
        let error = until(async || driver.apply(&spec).await.err()).await;
        let Sight::Pending { why, .. } = driver.observe(spec.game).await.unwrap() else {
            panic!("made, and not started");
        };
        spec.digest =
            "sha256:0000000000000000000000000000000000000000000000000000000000000000".into();
        spec.epoch = 2;
        let missing = until(async || driver.apply(&spec).await.err()).await;
        assert!(
            matches!(&error, DriverError::Invalid(text) if text.contains("nothing")),
            "{error:?}"
        );
        assert!(why.contains("nothing"), "{why}");
        assert!(matches!(missing, DriverError::NoImage(_)), "{missing:?}");
    })
    .await;
}

#[tokio::test]
async fn a_container_of_somebody_else_is_left_alone() {
    run(|world| async move {
        let driver = world.driver().await;
        let spec = world.spec(&driver).await;
        let body = ContainerCreateBody {
            image: Some(world.image.clone()),
            ..Default::default()
        };
        let name = world.name(spec.game);
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let made = world.docker.create_container(Some(options), body).await;
        let id = made.unwrap().id;
        assert!(matches!(
            driver.observe(spec.game).await,
            Ok(Sight::Unknown(_))
        ));
        assert!(matches!(
            driver.apply(&spec).await,
            Err(DriverError::Invalid(_))
        ));
        let refused = driver.delete_engine(spec.game, 9).await;
        assert!(
            matches!(refused, Err(DriverError::Invalid(_))),
            "{refused:?}"
        );
        let there = world.docker.inspect_container(&name, None).await.unwrap();
        assert_eq!(there.id, Some(id));
    })
    .await;
}

#[tokio::test]
async fn logs_are_of_one_run_and_the_run_before() {
    run(|world| async move {
        let driver = world.driver().await;
        let mut spec = world.spec(&driver).await;
        let engine = running(&driver, &spec).await;
        ask(&engine, "/say?5").await.unwrap();
        let lines = async |driver: &DockerDriver, tail, previous| {
            let logs = driver.logs(spec.game, LogQuery { tail, previous }).await?;
            let lines: Vec<_> = logs.try_collect().await?;
            let lines = lines
                .iter()
                .map(|line| String::from_utf8_lossy(line).trim_end().to_owned());
            Ok::<Vec<String>, DriverError>(lines.collect())
        };
        let seen = lines(&driver, 100, false).await.unwrap();
        assert_eq!((seen.len(), seen[0].as_str()), (6, "epoch 1"));
        let seen = lines(&driver, 2, false).await.unwrap();
        assert!(
            seen.len() == 2 && seen[1].starts_with("line 4 x"),
            "{seen:?}"
        );
        let none = lines(&driver, 100, true).await;
        assert!(matches!(none, Err(DriverError::Invalid(_))), "{none:?}");

        let mut next = spec.clone();
        next.epoch = 2;
        running(&driver, &next).await;
        assert_eq!(lines(&driver, 100, false).await.unwrap(), ["epoch 2"]);
        let seen = lines(&driver, 100, true).await.unwrap();
        assert_eq!((seen.len(), seen[0].as_str()), (6, "epoch 1"));
        spec.epoch = 2;
        assert_eq!(deleted(&driver, &spec).await, Sight::StateOnly);
        assert_eq!(
            lines(&driver, 1, false).await.unwrap(),
            ["epoch 2"],
            "of what was removed last"
        );
    })
    .await;
}

/// Removes the engine, and tells what is left.
async fn deleted(driver: &DockerDriver, spec: &galaxy_drivers::EngineSpec) -> Sight {
    until(
        async || match driver.delete_engine(spec.game, spec.epoch).await.unwrap() {
            Sight::Pending { .. } => None,
            sight => Some(sight),
        },
    )
    .await
}
