//! The end of a game, by itself and from outside.

use galaxy_core::{Op, OperationStatus, RuntimeStatus};
use galaxy_drivers::Sight;
use galaxy_events::catalogue::runtime::{RuntimeGameFinished, TurnGenerated};
use galaxy_runtime::{RequestError, restart, stop};
use jiff::SignedDuration;
use sqlx::PgPool;

use crate::stage::Stage;

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_finished_game_is_told_and_its_engine_goes_after_the_grace(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    while stage.record(&game).await.status == RuntimeStatus::Running {
        stage.force_turn(&game).await.unwrap();
        stage.work().await;
    }
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.next_turn_at),
        (RuntimeStatus::Finished, None)
    );
    let told = stage.world.events::<RuntimeGameFinished>().await;
    assert_eq!((told.len(), told[0].turn), (1, record.current_turn));
    assert_eq!(told[0].players.len(), 3);
    let turns = stage.world.events::<TurnGenerated>().await.len();
    assert_eq!(turns, usize::try_from(record.current_turn).unwrap());
    assert!(
        matches!(stage.sight(&game).await, Sight::Running(_)),
        "the last reports can be read"
    );

    stage.pass(SignedDuration::from_hours(1));
    stage.work().await;
    assert_eq!(stage.sight(&game).await, Sight::StateOnly);
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.endpoint),
        (RuntimeStatus::Finished, None)
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_ended_from_outside_loses_its_engine_at_once_and_for_good(pool: PgPool) {
    let stage = Stage::new(pool).await;
    let game = stage.game().await;
    stage.force_turn(&game).await.unwrap();
    let now = stage.world.clock.now();
    let mut tx = stage.world.db.begin().await.unwrap();
    stop::finish(&mut tx, game.id, "test", now).await.unwrap();
    tx.commit().await.unwrap();
    stage.work().await;
    let record = stage.record(&game).await;
    assert_eq!(
        (record.status, record.current_turn),
        (RuntimeStatus::Removed, 0)
    );
    let last = stage.last_operation(&game).await;
    assert_eq!(
        (last.op, last.status),
        (Op::Remove, OperationStatus::Succeeded)
    );
    assert_eq!(stage.sight(&game).await, Sight::StateOnly);
    let mut tx = stage.world.db.begin().await.unwrap();
    let back = restart::request(&mut tx, game.id, "test", now).await;
    assert!(matches!(back, Err(RequestError::WrongStatus(_))));
}
