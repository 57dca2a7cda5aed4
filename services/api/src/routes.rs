//! The whole router: the groups of operations under `/api/v1`, each with its own authentication, and the documents.
//!
//! To add an operation: its file in the domain, one `routes!` line in the domain's router. The document follows by itself.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::DefaultBodyLimit,
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::from_fn_with_state,
    routing::{MethodRouter, get},
};
use galaxy_http::{
    bearer::RequireToken,
    layers::{self, Callers},
    ops,
};
use galaxy_service::Process;
use tower_http::{timeout::TimeoutLayer, validate_request::ValidateRequestHeaderLayer};
use utoipa::{OpenApi, openapi::OpenApi as Document};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    Config, account_lifecycle, accounts, auth,
    compose::Domains,
    engine_proxy, geo,
    http::{docs, probes::Probes},
    lobby, openapi, operators,
};

/// Operations of domains with different states, joined: described, and routed if there are states.
struct Group<'a> {
    domains: Option<&'a Domains>,
    routes: Router,
    document: Document,
}

impl<'a> Group<'a> {
    fn new(domains: Option<&'a Domains>) -> Self {
        Self {
            domains,
            routes: Router::new(),
            document: Document::default(),
        }
    }

    /// Adds operations, closed with the state of their domain.
    fn with<S>(mut self, operations: OpenApiRouter<S>, state: impl Fn(&Domains) -> &S) -> Self
    where
        S: Clone + Send + Sync + 'static,
    {
        let (routes, document) = operations.split_for_parts();
        self.document.merge(document);
        if let Some(domains) = self.domains {
            let routes = routes.with_state(state(domains).clone());
            self.routes = self.routes.merge(routes);
        }
        self
    }
}

fn public(domains: Option<&Domains>) -> Group<'_> {
    Group::new(domains)
        .with(auth::public_router(), |domains| &domains.auth)
        .with(accounts::public_router(), |domains| &domains.accounts)
}

fn user(domains: Option<&Domains>) -> Group<'_> {
    Group::new(domains)
        .with(accounts::user_router(), |domains| &domains.accounts)
        .with(account_lifecycle::user_router(), |domains| {
            &domains.account_lifecycle
        })
        .with(auth::user_router(), |domains| &domains.sessions)
        .with(lobby::user_router(), |domains| &domains.lobby)
}

fn engines(domains: Option<&Domains>) -> Group<'_> {
    Group::new(domains).with(engine_proxy::user_router(), |domains| &domains.engine_proxy)
}

fn admin(domains: Option<&Domains>) -> Group<'_> {
    Group::new(domains).with(operators::router(), |domains| &domains.operators)
}

fn internal(domains: Option<&Domains>) -> Group<'_> {
    Group::new(domains)
        .with(auth::internal_router(), |domains| &domains.sessions)
        .with(accounts::internal_router(), |domains| &domains.accounts)
}

/// The router that `api` serves.
pub fn router(config: &Config, process: &Process, domains: &Domains) -> Router {
    let limits = config.limits;
    // The engine client's own timeout is shorter, since its error says more.
    let engine_timeout = limits.engine_timeout + Duration::from_secs(1);
    let ours = bounds(limits.body, limits.timeout);
    let of_engines = bounds(limits.engine_body, engine_timeout);
    let of_gateway =
        || ValidateRequestHeaderLayer::custom(RequireToken(config.gateway_token.clone()));
    let counted = || from_fn_with_state(domains.geo.clone(), geo::count_request);
    // One stack for each group, and no `nest`, since each costs every request a few allocations.
    let domains = Some(domains);
    let public = public(domains).routes.layer(ours);
    let user = user(domains).routes.layer((counted(), of_gateway(), ours));
    let engines = engines(domains)
        .routes
        .layer((counted(), of_gateway(), of_engines));
    let admin = admin(domains).routes.layer(ours);
    let internal = internal(domains).routes.layer((of_gateway(), ours));
    let groups = Router::new()
        .merge(public)
        .merge(user)
        .merge(engines)
        .merge(admin)
        .merge(internal)
        .merge(documents())
        .merge(ops::probes(process.readiness.clone()));
    layers::wrap(
        groups,
        Callers::Installation,
        config.trusted_proxies.clone(),
    )
}

/// What a request of a group may take.
fn bounds(body: usize, timeout: Duration) -> (TimeoutLayer, DefaultBodyLimit) {
    (
        TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, timeout),
        DefaultBodyLimit::max(body),
    )
}

/// The documents, rendered once.
fn documents() -> Router {
    Router::new()
        .route("/openapi.yaml", served("application/yaml", yaml()))
        .route("/openapi.json", served("application/json", json()))
        .merge(docs::router())
}

fn served(media_type: &'static str, text: String) -> MethodRouter {
    let text = Bytes::from(text);
    get(async move || ([(CONTENT_TYPE, media_type)], text.clone()))
}

/// The REST document: the operations of all groups, described as a whole.
pub fn document() -> Document {
    let mut operations = Probes::openapi();
    for group in [public, user, engines, admin, internal] {
        operations.merge(group(None).document);
    }
    openapi::document(operations)
}

/// The REST document as YAML.
pub fn yaml() -> String {
    document().to_yaml().unwrap_or_default()
}

fn json() -> String {
    document().to_json().unwrap_or_default()
}
