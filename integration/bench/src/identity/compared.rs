//! The handlers that the `api`'s are compared with.

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::{get, post},
};
use galaxy_api::operators::admin_accounts;
use galaxy_core::Limit;
use galaxy_http::{ApiError, TrustedProxies, layers};
use galaxy_store::Db;
use serde_json::{Value, json};
use uuid::Uuid;

/// axum and nothing else: a handler that does nothing, and one that commits a row.
pub fn bare(plain: &Db) -> Router {
    Router::new()
        .route("/bench/empty", get(|| async {}))
        .route("/bench/commit", post(commit))
        .with_state(plain.clone())
}

/// A table to commit to.
pub const COMMITS: &str =
    "create table if not exists backend.bench_commits (id uuid primary key, body text)";

async fn commit(State(plain): State<Db>) -> Result<(), ApiError> {
    sqlx::query("insert into backend.bench_commits (id, body) values ($1, 'bench')")
        .bind(Uuid::now_v7())
        .execute(plain.pool())
        .await
        .map_err(ApiError::internal)?;
    Ok(())
}

/// Handlers behind the layers that every request of the `api` goes through.
pub fn layered(db: &Db, plain: &Db) -> Router {
    let routes = Router::new()
        .route("/bench/empty", get(|| async {}))
        .route("/bench/admins", get(admins))
        .with_state(db.clone())
        .route("/bench/query/{id}", get(one_query))
        .with_state(plain.clone());
    layers::wrap(
        routes,
        layers::Callers::Installation,
        TrustedProxies::default(),
    )
}

/// What a lookup would be without gathering: one query a request.
async fn one_query(State(plain): State<Db>, Path(id): Path<Uuid>) -> Result<Json<Value>, ApiError> {
    let mut connection = plain.acquire().await?;
    let found = galaxy_api::auth::sessions::store::find_many(&mut connection, &[id]).await?;
    let session = found
        .first()
        .ok_or_else(|| ApiError::not_found("session"))?;
    Ok(Json(
        json!({ "user_id": session.user_id, "status": session.status }),
    ))
}

/// What operators see of their accounts, without asking who looks.
async fn admins(State(db): State<Db>) -> Result<Json<Value>, ApiError> {
    let mut connection = db.acquire().await?;
    let accounts = admin_accounts::store::list(&mut connection, None, Limit::DEFAULT).await?;
    let names: Vec<_> = accounts
        .into_iter()
        .map(|account| json!({ "username": account.username, "created_at": account.created_at }))
        .collect();
    Ok(Json(json!({ "items": names, "next_cursor": null })))
}
