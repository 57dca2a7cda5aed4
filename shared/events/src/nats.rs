//! The connection to NATS. The start waits for the server; later the client reconnects without a limit, and counts how often
//! it has connected.

use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::{Client, ConnectOptions, Event, connection::State, jetstream};
use galaxy_service::Process;
use tokio::{sync::watch, time::Instant};

use crate::{NatsConfig, streams};

/// How long a start waits for the server and its streams.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const RETRY_DELAY: Duration = Duration::from_secs(1);
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
    /// Connects, creates the streams that are missing and adds the readiness probe. Retries for up to a minute.
    pub async fn connect(config: &NatsConfig, process: &Process) -> anyhow::Result<Self> {
        let (count, connections) = watch::channel(0);
        let deadline = Instant::now() + START_TIMEOUT;
        let client = connect(config, process.name, &count, deadline).await?;
        let context = jetstream::ContextBuilder::new()
            .timeout(ACK_TIMEOUT)
            .build(client.clone());
        create_streams(&context, config, deadline).await?;
        let nats = Self {
            client,
            context,
            config: config.clone(),
            connections,
        };
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

    /// Whether there is a connection at present.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// The number of connections made so far. A change means that core NATS messages may have been missed.
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

async fn connect(
    config: &NatsConfig,
    name: &str,
    count: &watch::Sender<u64>,
    deadline: Instant,
) -> anyhow::Result<Client> {
    loop {
        match options(config, name, count.clone())
            .connect(&config.urls[..])
            .await
        {
            Ok(client) => return Ok(client),
            Err(error) if error.kind() == async_nats::ConnectErrorKind::AuthorizationViolation => {
                bail!("NATS refuses the credentials; check BACKEND_NATS_CREDENTIALS");
            }
            Err(error) if Instant::now() >= deadline => {
                return Err(error)
                    .context("NATS cannot be reached; is it up, and is BACKEND_NATS_URL right?");
            }
            Err(error) => {
                tracing::warn!(%error, "NATS is not there yet; waiting");
                tokio::time::sleep(RETRY_DELAY).await;
            }
        }
    }
}

async fn create_streams(
    context: &jetstream::Context,
    config: &NatsConfig,
    deadline: Instant,
) -> anyhow::Result<()> {
    while let Err(error) = streams::ensure(context, config).await {
        if Instant::now() >= deadline {
            return Err(error)
                .context("the event streams cannot be made; does NATS run with JetStream?");
        }
        tracing::warn!(
            error = format!("{error:#}"),
            "the event streams cannot be made yet; waiting"
        );
        tokio::time::sleep(RETRY_DELAY).await;
    }
    Ok(())
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
                other => tracing::warn!(event = %other, "NATS reported an event"),
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
