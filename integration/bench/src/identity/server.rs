//! The `api`'s router and the handlers it is compared with, on one listener; and the client of both.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use galaxy_api::{App, admin, http};
use galaxy_core::Limit;
use galaxy_service::http::{
    ApiError, TrustedProxies, layers,
    serve::{self, Bound, Limits},
};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Call;

/// A served router.
pub struct Server {
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Server {
    /// Serves `app`'s router and, through the same layers, what it is compared with.
    pub async fn of(app: &App) -> Result<Self> {
        let compared = Router::new()
            .route(
                "/bench/empty",
                get(|| async { Json(json!({ "status": "active" })) }),
            )
            .route("/bench/query/{id}", get(one_query))
            .route("/bench/admins", get(admins))
            .with_state(app.clone());
        let router = http::router(app).merge(layers::wrap(compared, TrustedProxies::default()));
        let bound = Bound::bind("the bench", SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let address = bound.address;
        serve::spawn(
            &app.process.tasks,
            "bench",
            bound,
            router,
            &Limits::default(),
        );
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(256)
            .build_http();
        Ok(Self { address, client })
    }

    /// Sends one request; gives the answer's body if it is a success.
    pub async fn send(&self, mut call: Call) -> Result<Value> {
        let path = call
            .uri()
            .path_and_query()
            .map_or("/", |path| path.as_str())
            .to_owned();
        *call.uri_mut() = format!("http://{}{path}", self.address).parse()?;
        let answer = self.client.request(call).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(
            status.is_success(),
            "{path} answered {status}: {}",
            String::from_utf8_lossy(&body)
        );
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).context("an answer that is no JSON")
    }

    /// Sends `requests` requests, `clients` at once; gives the time it took.
    pub async fn load(
        &self,
        requests: usize,
        clients: usize,
        call: impl Fn(usize) -> Call,
    ) -> Result<Duration> {
        let started = Instant::now();
        stream::iter(0..requests)
            .map(|n| self.send(call(n)))
            .buffer_unordered(clients)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        Ok(started.elapsed())
    }
}

/// What a lookup would be without gathering: one query a request.
async fn one_query(State(app): State<App>, Path(id): Path<Uuid>) -> Result<Json<Value>, ApiError> {
    let mut connection = app.db.acquire().await?;
    let found = galaxy_api::auth::sessions::store::find_many(&mut connection, &[id]).await?;
    let session = found
        .first()
        .ok_or_else(|| ApiError::not_found("session"))?;
    Ok(Json(
        json!({ "user_id": session.user_id, "status": session.status }),
    ))
}

/// What operators see of their accounts, without asking who looks.
async fn admins(State(app): State<App>) -> Result<Json<Value>, ApiError> {
    let mut connection = app.db.acquire().await?;
    let accounts = admin::store::list(&mut connection, None, Limit::DEFAULT).await?;
    let names: Vec<_> = accounts
        .into_iter()
        .map(|account| json!({ "username": account.username, "created_at": account.created_at }))
        .collect();
    Ok(Json(json!({ "items": names, "next_cursor": null })))
}
