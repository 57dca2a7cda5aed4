//! The whole router: four groups, each with its own way in, under `/api/v1`, and the documents beside them.
//!
//! To add an operation: its file in the domain, one `routes!` line in the domain's router. The document follows by itself.

mod caller;
mod docs;
mod page;
pub mod probes;

use std::time::Duration;

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::from_fn_with_state,
    routing::get,
};
use galaxy_service::{
    Secret,
    http::{bearer, layers},
    ops,
};
use tower_http::timeout::TimeoutLayer;
use utoipa_axum::router::OpenApiRouter;

pub use caller::{Caller, USER_ID, UserIdHeader};
pub use page::{PageQuery, invalid_cursor};

use crate::{App, accounts, admin, auth, geo, lobby, openapi, operators, proxies};

/// All operations, as routes and as their description. `token` guards the user and internal groups.
pub fn operations(token: Option<Secret>) -> OpenApiRouter<App> {
    own_operations(token.clone()).merge(engine_operations(token))
}

/// What engines answer, within bounds of its own.
fn engine_operations(token: Option<Secret>) -> OpenApiRouter<App> {
    let token = from_fn_with_state(token, bearer::require);
    OpenApiRouter::new().nest("/api/v1/user", proxies::user_router().layer(token))
}

/// What this process answers by itself.
fn own_operations(token: Option<Secret>) -> OpenApiRouter<App> {
    let token = from_fn_with_state(token, bearer::require);
    OpenApiRouter::new()
        .nest("/api/v1/public", public())
        .nest("/api/v1/user", user().layer(token.clone()))
        .nest("/api/v1/admin", admin())
        .nest("/api/v1/internal", internal().layer(token))
}

fn public() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(auth::public_router())
        .merge(accounts::public_router())
}

fn user() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::user_router())
        .merge(auth::user_router())
        .merge(lobby::user_router())
}

fn admin() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(admin::admin_router())
        .merge(accounts::admin_router())
        .merge(geo::admin_router())
        .merge(lobby::admin_router())
        .merge(operators::router())
}

fn internal() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(auth::internal_router())
        .merge(accounts::internal_router())
}

/// The router that `api` serves.
pub fn router(app: &App) -> Router {
    let (own, _) = own_operations(app.config.gateway_token.clone()).split_for_parts();
    let (engines, _) = engine_operations(app.config.gateway_token.clone()).split_for_parts();
    let limits = app.config.limits;
    // The engine client's own timeout comes first, since it tells more.
    let engine_timeout = limits.engine_timeout + Duration::from_secs(1);
    let routes = bounded(own, limits.body, limits.timeout)
        .merge(bounded(engines, limits.engine_body, engine_timeout))
        .with_state(app.clone())
        .layer(from_fn_with_state(app.clone(), geo::note))
        .merge(documents())
        .merge(ops::probes(
            app.process.readiness.clone(),
            app.process.tasks.draining(),
        ));
    layers::wrap(routes, app.config.trusted_proxies.clone())
}

fn bounded(routes: Router<App>, body: usize, timeout: Duration) -> Router<App> {
    routes
        .layer(DefaultBodyLimit::max(body))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            timeout,
        ))
}

fn documents() -> Router {
    Router::new()
        .route(
            "/openapi.yaml",
            get(|| async { ([(CONTENT_TYPE, "application/yaml")], openapi::yaml()) }),
        )
        .route("/docs", get(docs::docs))
        .route("/openapi.json", get(|| async { Json(openapi::document()) }))
}
