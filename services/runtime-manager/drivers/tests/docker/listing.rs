//! Everything that is there, and what changes.

use std::collections::BTreeMap;

use bollard::query_parameters::KillContainerOptions;
use futures_util::StreamExt as _;
use galaxy_drivers::{Driver as _, DriverEvent, Sight};

use crate::world::{run, running, settled, until};

#[tokio::test]
async fn a_list_has_what_runs_what_ended_and_what_is_only_state_of_this_deployment() {
    run(|world| async move {
        let driver = world.driver().await;
        let [runs, ended, gone] = [
            world.spec(&driver).await,
            world.spec(&driver).await,
            world.spec(&driver).await,
        ];
        for spec in [&runs, &ended, &gone] {
            running(&driver, spec).await;
        }
        driver
            .sleep(ended.game, 1, std::time::Duration::ZERO)
            .await
            .unwrap();
        settled(&driver, ended.game).await;
        until(async || {
            let sight = driver.delete_engine(gone.game, 1).await.unwrap();
            (sight == Sight::StateOnly).then_some(())
        })
        .await;
        // Once from Docker, once with what is known of exits.
        for _ in 0..2 {
            let listing = driver.list(None).await.unwrap();
            assert!(listing.complete && listing.next.is_none());
            let seen: BTreeMap<_, _> = listing.engines.into_iter().collect();
            let expected = [&runs, &ended, &gone].map(|spec| spec.game);
            assert_eq!(seen.keys().copied().collect::<Vec<_>>(), expected);
            assert!(matches!(seen[&runs.game], Sight::Running(_)));
            assert_eq!(seen[&ended.game], driver.observe(ended.game).await.unwrap());
            assert!(matches!(seen[&ended.game], Sight::Exited(_)));
            assert_eq!(seen[&gone.game], Sight::StateOnly);
        }
        // A page begins behind the game that names it.
        let rest = driver.list(Some(ended.game.to_string())).await.unwrap();
        assert_eq!(rest.engines, [(gone.game, Sight::StateOnly)]);

        let mut config = world.config.clone();
        config.deployment.push_str("-b");
        let other = world.driver_with(config).await;
        assert_eq!(other.node(), driver.node(), "one Docker is one node");
        assert_eq!(other.list(None).await.unwrap().engines, []);
        assert_eq!(other.observe(runs.game).await, Ok(Sight::Absent));
    })
    .await;
}

#[tokio::test]
async fn a_container_that_is_killed_or_removed_by_hand_is_told() {
    run(|world| async move {
        let driver = world.driver().await;
        let spec = world.spec(&driver).await;
        running(&driver, &spec).await;
        let name = world.name(spec.game);
        let mut events = driver.events();
        let mut told = async || {
            while events.next().await != Some(DriverEvent::Changed(spec.game)) {}
        };
        let killed = world
            .docker
            .kill_container(&name, None::<KillContainerOptions>)
            .await;
        killed.unwrap();
        let seen = until(async || {
            told().await;
            match driver.observe(spec.game).await.unwrap() {
                Sight::Exited(exit) => Some(exit),
                _ => None,
            }
        })
        .await;
        assert_eq!(seen.code, Some(137));
        world.docker.remove_container(&name, None).await.unwrap();
        until(async || {
            told().await;
            (driver.observe(spec.game).await == Ok(Sight::StateOnly)).then_some(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn the_network_is_made_again_after_somebody_removed_it() {
    run(|world| async move {
        let driver = world.driver().await;
        world
            .docker
            .remove_network(&world.config.network)
            .await
            .unwrap();
        let spec = world.spec(&driver).await;
        let outage = until(async || driver.apply(&spec).await.err()).await;
        assert!(outage.is_outage(), "{outage:?}");
        running(&driver, &spec).await;
    })
    .await;
}
