//! The process push-hub: settings, broker, feed, gRPC listener.

use std::process::ExitCode;

use anyhow::Context as _;
use galaxy_events::Nats;
use galaxy_http::{
    bearer, ops,
    serve::{self, Bound},
};
use galaxy_push_hub::{
    config::HubConfig, connection::Context, feed::Feed, metrics::Metrics, ring::Limits,
    service::PushService,
};
use galaxy_service::{Process, process};
use tonic::service::Routes;

fn main() -> ExitCode {
    process::run(
        "push-hub",
        "hosts the stream of events that gateways follow",
        ops::listen,
        start,
    )
}

async fn start(config: HubConfig, process: Process) -> anyhow::Result<()> {
    let nats = Nats::connect(&config.nats, &process).await?;
    let metrics = Metrics::default();
    let streams = nats.stream_settings();
    let window = streams.context("the event streams were not seen")?;
    let limits = Limits {
        window_ns: u64::try_from(window.freshness_window.as_nanos())?,
        bytes: config.ring_bytes,
    };
    let feed = Feed::new(limits, process.clock.clone(), metrics.clone());
    let bound = Bound::bind("BACKEND_GRPC_PUSH_LISTEN_ADDR", config.listen_addr).await?;
    let bound = match &config.identity {
        Some(identity) => bound.with_tls(identity, config.gateway_authorities.as_ref())?,
        None => bound,
    };
    feed.start(&process, &nats);
    let context = Context {
        feed,
        clock: process.clock.clone(),
        metrics,
        queue: config.queue,
        heartbeat: config.heartbeat,
        draining: process.tasks.draining(),
    };
    bearer::follow_file(&process.tasks, config.gateway_token.as_ref());
    let service = PushService::new(context, config.gateway_token);
    let router = Routes::new(service).into_axum_router();
    serve::spawn(
        &process.tasks,
        "push",
        bound,
        router,
        &serve::Limits::default(),
    );
    Ok(())
}
