//! The queue of operations: claimed under leases, a step each, given back when the process drains.

use std::time::Duration;

use galaxy_runtime::{Claimed, LEASE, Lane, PutBack, nodes, operations, operations::Claimer};
use galaxy_service::{Process, telemetry};
use galaxy_store::{Result, lease, worker};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{Manager, work};

/// How long work in flight goes on when the process drains before it is given back.
pub const OVERTIME: Duration = Duration::from_secs(10);

/// The operations of one lane as a queue.
pub struct Operations {
    manager: Manager,
    lane: Lane,
    draining: CancellationToken,
    overtime: Duration,
}

impl Operations {
    /// When `process` drains, work in flight may go on for `overtime`, usually [`OVERTIME`].
    pub fn new(manager: Manager, lane: Lane, process: &Process, overtime: Duration) -> Self {
        Self {
            manager,
            lane,
            draining: process.tasks.draining(),
            overtime,
        }
    }

    async fn hold(&self, operation: &Claimed) {
        let (db, clock) = (&self.manager.db, &self.manager.clock);
        let renew = || async {
            let mut connection = db.acquire().await?;
            operations::renew(&mut connection, operation, clock.now()).await
        };
        let work = work::run(&self.manager, operation);
        tokio::select! {
            held = lease::hold(LEASE, renew, work) => if held.is_err() {
                self.manager.metrics.lease_lost();
                tracing::warn!("the lease was lost; another process takes the operation up");
            },
            () = self.time_is_up() => self.give_back(operation).await,
        }
    }

    async fn time_is_up(&self) {
        self.draining.cancelled().await;
        tokio::time::sleep(self.overtime).await;
    }

    async fn give_back(&self, operation: &Claimed) {
        let now = self.manager.clock.now();
        let given_back = async {
            let mut connection = self.manager.db.acquire().await?;
            operations::put_back(&mut connection, operation, PutBack::Drain, now).await
        };
        match given_back.await {
            Ok(_) => tracing::info!("the operation is given back for another process"),
            Err(error) => {
                tracing::warn!(%error, "the operation cannot be given back; its lease runs out");
            }
        }
    }

    /// Whether the node takes another engine; asked for starts alone.
    async fn has_room(&self) -> Result<bool> {
        if self.lane != Lane::Control {
            return Ok(true);
        }
        let mut connection = self.manager.db.acquire().await?;
        nodes::has_room(&mut connection, &self.manager.node.node_id).await
    }
}

impl worker::Queue for Operations {
    type Item = Claimed;

    async fn claim(&self, room: u32) -> Result<Vec<Claimed>> {
        let claimer = Claimer {
            owner: &self.manager.owner,
            node: &self.manager.node.node_id,
            has_room: self.has_room().await?,
            lane: self.lane,
        };
        let now = self.manager.clock.now();
        operations::claim(&self.manager.db, claimer, room, now).await
    }

    async fn work(&self, operation: Claimed) {
        let span = tracing::info_span!(
            "operation",
            otel.kind = "consumer",
            otel.name = format!("operation {}", operation.work.op()),
            operation_id = %operation.operation_id,
            game_id = %operation.game_id,
            op = %operation.work.op(),
            attempt = operation.attempt,
        );
        telemetry::parent_from(&span, operation.traceparent.as_deref());
        Box::pin(self.hold(&operation)).instrument(span).await;
    }
}
