//! The process gateway: settings, broker, checks, push stream, the two listeners.

use std::{process::ExitCode, sync::Arc};

use galaxy_core::EventId;
use galaxy_events::Nats;
use galaxy_gateway::{
    config::{self, GatewayConfig},
    edge::Edge,
    listen,
    push_subscriber::{PushConfig, PushSubscriber},
    rate_limits::SWEEP_INTERVAL,
    routes::Routes,
};
use galaxy_http::{
    ops,
    serve::{self, Bound},
};
use galaxy_service::{Process, process};

const HELP: &str = "the edge: verifies and forwards requests of clients, signs responses and events

Command of its own:

  public-key      print the key that clients verify with: Ed25519, in base64";

fn main() -> ExitCode {
    if std::env::args().skip(1).eq(["public-key"]) {
        return process::answer("gateway", config::public_key);
    }
    process::run("gateway", HELP, ops::listen, start)
}

async fn start(config: GatewayConfig, process: Process) -> anyhow::Result<()> {
    let nats = Nats::connect(&config.nats, &process).await?;
    let routes = Routes::parse(galaxy_proto::OPENAPI_YAML)?;
    tracing::info!(operations = routes.count(), "the route table is read");
    let edge = Arc::new(Edge::build(&config, routes, nats, &process)?);
    edge.verifier.replay.open().await?;
    let grpc = Bound::bind("GATEWAY_LISTEN_ADDR", config.listen_addr).await?;
    let http = Bound::bind("GATEWAY_HTTP_LISTEN_ADDR", config.http_listen_addr).await?;

    let swept = edge.clone();
    process.tasks.every("limits", SWEEP_INTERVAL, move || {
        let edge = swept.clone();
        async move { edge.verifier.rate_limits.sweep() }
    });
    let generated = || format!("gateway-{}", EventId::generate());
    let push = PushConfig {
        url: config.backend_push_url,
        client_id: config.client_id.unwrap_or_else(generated),
        token: config.token,
        authorities: config.nats.authorities,
        identity: config.push_identity,
        timeout: config.push_timeout,
    };
    let push = Arc::new(PushSubscriber::new(push, edge.clone(), &process));
    process.tasks.supervise("push", move || push.clone().run());

    let limits = serve::Limits::default();
    let service = listen::grpc(edge.clone(), &config.origins);
    serve::spawn(&process.tasks, "grpc", grpc, service, &limits);
    let service = listen::http(edge, &config.origins);
    serve::spawn(&process.tasks, "http", http, service, &limits);
    Ok(())
}
