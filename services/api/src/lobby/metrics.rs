//! How many games there are, by where they stand and how their engines are.

use std::time::Duration;

use galaxy_service::{Tasks, telemetry::GaugeTable};
use galaxy_store::{Db, Result};
use opentelemetry::KeyValue;

use super::store::game_counts;

const PERIOD: Duration = Duration::from_secs(30);

/// Starts the periodic task that counts them. Every replica shows the same figures.
pub fn start(tasks: &Tasks, db: &Db) {
    let table = GaugeTable::new(
        "galaxy.games",
        "Games by status and the health of their engines; at most 100,000 finished and cancelled ones are counted",
    );
    let db = db.clone();
    tasks.every("game_metrics", PERIOD, move || {
        let (db, table) = (db.clone(), table.clone());
        async move {
            if let Err(error) = count(&db, &table).await {
                tracing::debug!(%error, "games cannot be counted");
            }
        }
    });
}

async fn count(db: &Db, table: &GaugeTable) -> Result<()> {
    let mut connection = db.acquire().await?;
    let counts = game_counts::by_status_and_health(&mut connection).await?;
    let rows = counts.into_iter().map(|count| {
        let labels = vec![
            KeyValue::new("status", count.status),
            KeyValue::new("health", count.health),
        ];
        (labels, count.games.unsigned_abs())
    });
    table.replace(rows.collect());
    Ok(())
}
