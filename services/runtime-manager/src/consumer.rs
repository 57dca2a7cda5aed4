//! The consumer of the lobby's events: queues the banishment of members who left or were removed from a game.

use std::sync::Arc;

use galaxy_core::Clock;
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
}

impl Handler for LobbyEvents {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Verdict> {
        let ended = match event.event() {
            Ok(Some(AnyEvent::MembershipRemoved(event))) => event.membership,
            Ok(Some(AnyEvent::MembershipBlocked(event))) => event.membership,
            Ok(_) => return Ok(Verdict::Done),
            Err(error) => return Ok(Verdict::Never(error.to_string())),
        };
        let (game_id, user_id) = (ended.game.game_id, ended.user_id);
        let now = self.clock.now();
        let queued = banish::request(tx, game_id, user_id, &ended.race_name, now).await?;
        if let Some(operation_id) = queued {
            tracing::info!(%operation_id, %game_id, %user_id, "queued the banishment of a race");
        }
        Ok(Verdict::Done)
    }
}
