//! The process gateway: settings, broker, checks, push stream, the two listeners.

use std::process::ExitCode;
use std::sync::Arc;

use galaxy_core::EventId;
use galaxy_events::Nats;
use galaxy_gateway::config::GatewayConfig;
use galaxy_gateway::edge::Edge;
use galaxy_gateway::listen;
use galaxy_gateway::push::{Push, PushConfig};
use galaxy_gateway::routes::Routes;
use galaxy_http::{
    ops,
    serve::{self, Bound},
};
use galaxy_service::Process;
use galaxy_service::process;

fn main() -> ExitCode {
    process::run(
        "gateway",
        "the edge: checks, forwards and signs what clients and back end say to each other",
        ops::listen,
        start,
    )
}

async fn start(config: GatewayConfig, process: Process) -> anyhow::Result<()> {
    let nats = Nats::connect(&config.nats, &process).await?;
    let routes = Routes::parse(galaxy_proto::OPENAPI_YAML)?;
    tracing::info!(operations = routes.count(), "the route table is read");
    let edge = Arc::new(Edge::build(&config, routes, nats, &process)?);
    edge.gate.replay.open().await?;
    let grpc = Bound::bind("GATEWAY_LISTEN_ADDR", config.listen_addr).await?;
    let http = Bound::bind("GATEWAY_HTTP_LISTEN_ADDR", config.http_listen_addr).await?;

    let (sweeping, tasks) = (edge.clone(), process.tasks.clone());
    process.tasks.supervise("limits", move || {
        let (edge, tasks) = (sweeping.clone(), tasks.clone());
        async move { edge.gate.limits.sweep(&tasks).await }
    });
    let made_up = || format!("gateway-{}", EventId::generate());
    let push = PushConfig {
        url: config.backend_push_url,
        client_id: config.client_id.unwrap_or_else(made_up),
        token: config.token,
        timeout: config.push_timeout,
    };
    let push = Arc::new(Push::new(push, edge.clone(), &process));
    process.tasks.supervise("push", move || push.clone().run());

    let limits = serve::Limits::default();
    let service = listen::grpc(edge.clone(), &config.origins);
    serve::spawn(&process.tasks, "grpc", grpc, service, &limits);
    let service = listen::http(edge, &config.origins);
    serve::spawn(&process.tasks, "http", http, service, &limits);
    Ok(())
}
