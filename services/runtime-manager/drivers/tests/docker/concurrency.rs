//! Two managers on one Docker engine, and many engines of one manager at once.

use futures_util::future::join_all;
use galaxy_drivers::{Driver as _, DriverError, Sight};

use crate::world::{run, running, until};

#[tokio::test]
async fn two_managers_that_make_one_engine_make_one_container() {
    run(|world| async move {
        let (one, two) = tokio::join!(world.driver(), world.driver());
        let networks = world.docker.list_networks(None).await.unwrap();
        let name = Some(world.config.network.clone());
        let same: Vec<_> = networks
            .iter()
            .filter(|network| network.name == name)
            .collect();
        assert_eq!(same.len(), 1, "one network, too");
        let spec = world.spec(&one).await;
        let (first, second) = tokio::join!(running(&one, &spec), running(&two, &spec));
        assert_eq!(first, second);
        assert_eq!(one.list(None).await.unwrap().engines.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn the_newer_epoch_wins_in_any_order() {
    run(|world| async move {
        let (one, two) = tokio::join!(world.driver(), world.driver());
        let older = world.spec(&one).await;
        let mut newer = older.clone();
        newer.epoch = 2;
        let fenced = async {
            until(async || match one.apply(&older).await {
                Err(error @ DriverError::Fenced { .. }) => Some(error),
                _ => None,
            })
            .await
        };
        let (fenced, engine) = tokio::join!(fenced, running(&two, &newer));
        assert_eq!(fenced, DriverError::Fenced { found: 2 });
        assert_eq!(one.observe(older.game).await, Ok(Sight::Running(engine)));
    })
    .await;
}

#[tokio::test]
async fn more_engines_than_are_made_at_once_are_all_made() {
    const ENGINES: usize = 12;
    run(|world| async move {
        let driver = world.driver().await;
        let mut specs = vec![];
        for _ in 0..ENGINES {
            specs.push(world.spec(&driver).await);
        }
        for spec in &specs {
            let sight = driver.apply(spec).await.unwrap();
            assert!(matches!(sight, Sight::Pending { .. } | Sight::Running(_)));
        }
        let running = join_all(specs.iter().map(|spec| running(&driver, spec))).await;
        assert_eq!(running.len(), ENGINES);
    })
    .await;
}
