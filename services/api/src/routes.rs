//! The whole router: four groups, each with its own way in, under `/api/v1`, and the documents beside them.
//!
//! To add an operation: its file in the domain, one `routes!` line in the domain's router. The document follows by itself.

use std::{sync::LazyLock, time::Duration};

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::from_fn_with_state,
    response::Html,
    routing::get,
};
use galaxy_http::{bearer::RequireToken, layers, ops};
use tower_http::{timeout::TimeoutLayer, validate_request::ValidateRequestHeaderLayer};
use utoipa::{OpenApi, openapi::OpenApi as Document};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    App, account_lifecycle, accounts, auth, engine_proxy, geo,
    http::{docs, probes::Probes},
    lobby, openapi, operators,
};

/// All operations, as routes and as their description.
pub fn operations() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(public())
        .merge(user())
        .merge(engine_proxy::user_router())
        .merge(operators::router())
        .merge(internal())
}

fn public() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(auth::public_router())
        .merge(accounts::public_router())
}

fn user() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::user_router())
        .merge(account_lifecycle::user_router())
        .merge(auth::user_router())
        .merge(lobby::user_router())
}

fn internal() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(auth::internal_router())
        .merge(accounts::internal_router())
}

/// The router that `api` serves.
pub fn router(app: &App) -> Router {
    let limits = app.config.limits;
    // The engine client's own timeout comes first, since it tells more.
    let engine_timeout = limits.engine_timeout + Duration::from_secs(1);
    let ours = bounds(limits.body, limits.timeout);
    let engines = bounds(limits.engine_body, engine_timeout);
    let of_gateway =
        || ValidateRequestHeaderLayer::custom(RequireToken(app.config.gateway_token.clone()));
    let counted = || from_fn_with_state(app.clone(), geo::note);
    // One stack for each group, and no `nest`, since each costs every request a few allocations.
    let public = routes(public()).layer(ours);
    let user = routes(user()).layer((counted(), of_gateway(), ours));
    let proxied = routes(engine_proxy::user_router()).layer((counted(), of_gateway(), engines));
    let admin = routes(operators::router()).layer(ours);
    let internal = routes(internal()).layer((of_gateway(), ours));
    let groups = Router::new()
        .merge(public)
        .merge(user)
        .merge(proxied)
        .merge(admin)
        .merge(internal)
        .with_state(app.clone())
        .merge(documents())
        .merge(ops::probes(
            app.process.readiness.clone(),
            app.process.tasks.draining(),
        ));
    layers::wrap(groups, app.config.trusted_proxies.clone())
}

fn routes(operations: OpenApiRouter<App>) -> Router<App> {
    operations.split_for_parts().0
}

/// What a request of a group may take.
fn bounds(body: usize, timeout: Duration) -> (TimeoutLayer, DefaultBodyLimit) {
    (
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, timeout),
        DefaultBodyLimit::max(body),
    )
}

fn documents() -> Router {
    Router::new()
        .route(
            "/openapi.yaml",
            get(|| async { ([(CONTENT_TYPE, "application/yaml")], yaml()) }),
        )
        .route("/docs", get(|| async { Html(DOCS.as_str()) }))
        .route("/openapi.json", get(|| async { Json(document()) }))
}

static DOCS: LazyLock<String> =
    LazyLock::new(|| docs::page(&serde_json::to_value(document()).unwrap_or_default()));

/// The REST document: the operations, described as a whole.
pub fn document() -> Document {
    let mut operations = Probes::openapi();
    operations.merge(self::operations().into_openapi());
    openapi::document(operations)
}

/// The REST document as YAML.
pub fn yaml() -> String {
    document().to_yaml().unwrap_or_default()
}
