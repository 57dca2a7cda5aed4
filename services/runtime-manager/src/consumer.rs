//! Hears from the lobby who is out of a game, and queues the banishment from its engine.

use std::sync::Arc;

use galaxy_core::{Clock, GameId, UserId};
use galaxy_events::{
    AnyEvent, Envelope, Handler, Nats, Verdict,
    consumer::{self, Options},
};
use galaxy_runtime::banish;
use galaxy_service::Process;
use galaxy_store::{Db, Result, Tx};

/// The consumer's subjects.
const SUBJECTS: &[&str] = &[
    "galaxy.events.lobby.membership_removed",
    "galaxy.events.lobby.membership_blocked",
];

/// Applies the lobby's events.
pub struct LobbyEvents {
    clock: Clock,
}

/// Starts the consumer; it ends when the process drains.
pub fn start(process: &Process, db: &Db, nats: &Nats) {
    let handler = Arc::new(LobbyEvents::new(process.clock.clone()));
    let options = Options {
        name: "runtime-manager",
        subjects: SUBJECTS,
        loops: 2,
    };
    consumer::start(process, db, nats, &handler, options);
}

impl LobbyEvents {
    /// With the process's clock.
    pub const fn new(clock: Clock) -> Self {
        Self { clock }
    }

    async fn out(&self, tx: &mut Tx, game: GameId, user: UserId, race: &str) -> Result<Verdict> {
        let queued = banish::request(tx, game, user, race, self.clock.now()).await?;
        if let Some(operation_id) = queued {
            tracing::info!(%operation_id, game_id = %game, user_id = %user, "a race is to be banished");
        }
        Ok(Verdict::Done)
    }
}

impl Handler for LobbyEvents {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Verdict> {
        match event.event() {
            Ok(Some(AnyEvent::MembershipRemoved(event))) => {
                self.out(tx, event.game_id, event.user_id, &event.race_name)
                    .await
            }
            Ok(Some(AnyEvent::MembershipBlocked(event))) => {
                self.out(tx, event.game_id, event.user_id, &event.race_name)
                    .await
            }
            Ok(_) => Ok(Verdict::Done),
            Err(error) => Ok(Verdict::Never(error.to_string())),
        }
    }
}
