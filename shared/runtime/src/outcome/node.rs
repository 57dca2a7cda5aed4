//! Hosts that nobody has heard of.

use galaxy_core::{EngineHealth, Incident, RuntimeStatus, Timestamp};
use galaxy_store::{Db, Result};
use jiff::SignedDuration;

use crate::{
    events,
    store::{nodes, records},
};

/// Games marked in one call.
const BATCH: i64 = 200;

/// Marks the games of nodes that nobody has heard of for `timeout`: they say `host_lost`, owner and operators are told, nothing
/// is removed. Gives how many games were marked; as many as a batch means that there may be more.
pub async fn mark_lost_hosts(db: &Db, timeout: SignedDuration, now: Timestamp) -> Result<usize> {
    let games = {
        let mut connection = db.acquire().await?;
        for node in nodes::mark_lost(&mut connection, now - timeout, now).await? {
            tracing::error!(
                node,
                "a node was not heard of for too long; its games are marked"
            );
        }
        nodes::games_to_mark_lost(&mut connection, BATCH).await?
    };
    let mut marked = 0;
    for game in games {
        let mut tx = db.begin().await?;
        let Some(mut record) = records::lock(&mut tx, game).await? else {
            continue;
        };
        if record.engine_health == EngineHealth::HostLost || !record.status.has_engine() {
            continue;
        }
        record.engine_health = EngineHealth::HostLost;
        record.last_error = Some("nobody has heard of the engine's host".to_owned());
        if record.status == RuntimeStatus::Running {
            record.status = RuntimeStatus::EngineUnreachable;
        }
        records::save(&mut tx, &mut record, now).await?;
        events::snapshot_unseen(&mut tx, &record, now).await?;
        events::incident(&mut tx, &record, Incident::HostLost, None).await?;
        tx.commit().await?;
        marked += 1;
    }
    Ok(marked)
}
