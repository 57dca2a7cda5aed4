//! Two managers on one Docker engine.

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
