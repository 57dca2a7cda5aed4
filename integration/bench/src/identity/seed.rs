//! Rows to look up, and waiting until replicas receive each other's broadcasts.

use std::time::Duration;

use anyhow::Result;
use galaxy_scenarios::eventually;
use galaxy_store::Db;
use uuid::Uuid;

use crate::replica::Replica;

/// Makes `count` active sessions of a new account.
pub async fn sessions(db: &Db, count: usize) -> Result<Vec<Uuid>> {
    let user_id = Uuid::now_v7();
    sqlx::query(
        "insert into backend.accounts (user_id, email, delivery_email, user_name, display_name)
         values ($1, $1::text || '@example.org', $1::text || '@example.org', $1::text, 'bench')",
    )
    .bind(user_id)
    .execute(db.pool())
    .await?;
    let ids: Vec<Uuid> = std::iter::repeat_with(Uuid::now_v7).take(count).collect();
    sqlx::query(
        "insert into backend.device_sessions (device_session_id, user_id, client_public_key)
         select id, $2, decode(repeat('07', 32), 'hex') from unnest($1::uuid[]) id",
    )
    .bind(&ids)
    .bind(user_id)
    .execute(db.pool())
    .await?;
    sqlx::query("analyze backend.device_sessions")
        .execute(db.pool())
        .await?;
    Ok(ids)
}

/// Returns once the invalidation channel of each replica is healthy.
pub async fn wait_until_healthy(replicas: &[&Replica]) -> Result<()> {
    eventually(
        "the replicas receive each other's broadcasts",
        Duration::from_secs(10),
        async || {
            let healthy = replicas
                .iter()
                .all(|replica| replica.invalidation.is_healthy());
            Ok(healthy.then_some(()))
        },
    )
    .await
}
