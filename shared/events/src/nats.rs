//! The connection to NATS: made at start with patience, kept for ever, with a count of how often it was made anew.

use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::{Client, ConnectOptions, Event, connection::State, jetstream};
use galaxy_service::Process;
use tokio::{sync::watch, time::Instant};

use crate::{NatsConfig, streams};

const PATIENCE: Duration = Duration::from_mins(1);
const RETRY: Duration = Duration::from_secs(1);
/// How long one publication may wait for its acknowledgement.
pub(crate) const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// A live connection. Cheap to clone.
#[derive(Clone)]
pub struct Nats {
    client: Client,
    context: jetstream::Context,
    config: NatsConfig,
    connections: watch::Receiver<u64>,
}

impl Nats {
    /// Connects, makes sure that the streams exist and adds the readiness probe. Waits up to a minute.
    pub async fn connect(config: &NatsConfig, process: &Process) -> anyhow::Result<Self> {
        let (count, connections) = watch::channel(0);
        let deadline = Instant::now() + PATIENCE;
        let client = loop {
            match options(config, process.name, count.clone())
                .connect(&config.urls[..])
                .await
            {
                Ok(client) => break client,
                Err(error)
                    if error.kind() == async_nats::ConnectErrorKind::AuthorizationViolation =>
                {
                    bail!("NATS refuses the credentials; check BACKEND_NATS_CREDENTIALS");
                }
                Err(error) if Instant::now() >= deadline => {
                    return Err(error).context(
                        "NATS cannot be reached; is it up, and is BACKEND_NATS_URL right?",
                    );
                }
                Err(error) => {
                    tracing::warn!(%error, "NATS is not there yet; waiting");
                    tokio::time::sleep(RETRY).await;
                }
            }
        };
        let context = jetstream::ContextBuilder::new()
            .timeout(ACK_TIMEOUT)
            .build(client.clone());
        let nats = Self {
            client,
            context,
            config: config.clone(),
            connections,
        };
        while let Err(error) = streams::ensure(&nats).await {
            if Instant::now() >= deadline {
                return Err(error)
                    .context("the event streams cannot be made; does NATS run with JetStream?");
            }
            tracing::warn!(
                error = format!("{error:#}"),
                "the event streams cannot be made yet; waiting"
            );
            tokio::time::sleep(RETRY).await;
        }
        let probed = nats.clone();
        process
            .readiness
            .probe("nats", move || std::future::ready(probed.check()));
        Ok(nats)
    }

    /// The core client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// JetStream.
    pub fn jetstream(&self) -> &jetstream::Context {
        &self.context
    }

    /// The settings it was made with.
    pub fn config(&self) -> &NatsConfig {
        &self.config
    }

    /// Whether the connection stands right now.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Counts connections made so far: a change means that messages of plain subjects may have been missed.
    pub fn connections(&self) -> watch::Receiver<u64> {
        self.connections.clone()
    }

    fn check(&self) -> Result<(), String> {
        if self.is_connected() {
            Ok(())
        } else {
            Err("not connected; reconnecting".to_owned())
        }
    }
}

fn options(config: &NatsConfig, name: &str, connections: watch::Sender<u64>) -> ConnectOptions {
    let options = ConnectOptions::new()
        .name(name)
        .connection_timeout(Duration::from_secs(5))
        .ping_interval(Duration::from_secs(10))
        .max_reconnects(None)
        .reconnect_delay_callback(|attempts| match attempts {
            0 | 1 => Duration::ZERO,
            n => Duration::from_millis(100)
                .saturating_mul(1 << n.min(5))
                .min(Duration::from_secs(2)),
        })
        .event_callback(move |event| {
            match event {
                Event::Connected => {
                    connections.send_modify(|count| *count += 1);
                    tracing::info!("connected to NATS");
                }
                Event::Disconnected => {
                    tracing::warn!("the connection to NATS is lost; reconnecting");
                }
                other => tracing::warn!(event = %other, "NATS says"),
            }
            std::future::ready(())
        });
    match config
        .credentials
        .as_ref()
        .map(secrecy::ExposeSecret::expose_secret)
    {
        None => options,
        Some(text) => match text.split_once(':') {
            Some((user, password)) => {
                options.user_and_password(user.to_owned(), password.to_owned())
            }
            None => options.token(text.to_owned()),
        },
    }
}
