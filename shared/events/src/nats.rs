//! The connection to NATS. A process that cannot work without it waits for the server at its start; later the client reconnects
//! without a limit, and counts how often it has connected.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, connection::State, jetstream,
};
use galaxy_service::{Process, readiness::Need};
use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};

use crate::{NatsConfig, StreamSettings, metrics, streams};

/// How long a start waits for the server and the streams.
const START_TIMEOUT: Duration = Duration::from_mins(1);
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// How long one publication may wait for its acknowledgement.
pub(crate) const ACK_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that reconnects by itself. Cheap to clone.
#[derive(Clone)]
pub struct Nats {
    client: Client,
    context: jetstream::Context,
    streams: Arc<Mutex<Streams>>,
    connections: watch::Receiver<u64>,
}

/// What this process knows of the streams.
struct Streams {
    settings: Option<StreamSettings>,
    /// The owner has yet to bring the streams to its settings.
    to_configure: bool,
}

impl Nats {
    /// For a process that cannot work without NATS: connects and waits for the streams, up to a minute for each, and adds
    /// the readiness probe.
    pub async fn connect(config: &NatsConfig, process: &Process) -> anyhow::Result<Self> {
        let (count, connections) = watch::channel(0);
        let deadline = Instant::now() + START_TIMEOUT;
        let client = connect(config, process.name, &count, deadline).await?;
        let nats = Self::over(client, connections, config);
        metrics::observe_connection(&nats);
        nats.wait_for_streams(deadline).await?;
        nats.add_probe(process, Need::Required);
        Ok(nats)
    }

    /// For a process that works without NATS, degraded: connects as soon as the server is there. Refused credentials are an
    /// error.
    pub async fn connect_in_background(
        config: &NatsConfig,
        process: &Process,
    ) -> anyhow::Result<Self> {
        let (count, connections) = watch::channel(0);
        let client = match connect_once(config, process.name, &count).await? {
            Ok(client) => client,
            Err(error) => {
                tracing::warn!(%error, "NATS is not there yet; starting without it");
                options(config, process.name, count)
                    .retry_on_initial_connect()
                    .connect(&config.urls[..])
                    .await?
            }
        };
        let nats = Self::over(client, connections, config);
        metrics::observe_connection(&nats);
        nats.add_probe(process, Need::Degrades);
        Ok(nats)
    }

    fn over(client: Client, connections: watch::Receiver<u64>, config: &NatsConfig) -> Self {
        let context = jetstream::ContextBuilder::new()
            .timeout(ACK_TIMEOUT)
            .build(client.clone());
        let streams = Streams {
            settings: config.streams,
            to_configure: config.streams.is_some(),
        };
        Self {
            client,
            context,
            streams: Arc::new(Mutex::new(streams)),
            connections,
        }
    }

    async fn wait_for_streams(&self, deadline: Instant) -> anyhow::Result<()> {
        while let Err(error) = self.ensure_streams().await {
            if Instant::now() >= deadline {
                return Err(error).context(
                    "the event streams cannot be used; does NATS run with JetStream, and does the api run?",
                );
            }
            tracing::warn!(
                error = format!("{error:#}"),
                "the event streams cannot be used yet; waiting"
            );
            tokio::time::sleep(RETRY_DELAY).await;
        }
        Ok(())
    }

    fn add_probe(&self, process: &Process, need: Need) {
        let probed = self.clone();
        process
            .readiness
            .probe_of("nats", need, move || std::future::ready(probed.check()));
    }

    /// Creates the streams that are missing and learns how they are kept; the first time, their owner brings them to its
    /// settings.
    pub(crate) async fn ensure_streams(&self) -> anyhow::Result<StreamSettings> {
        let (settings, to_configure) = {
            let streams = self.streams.lock();
            (streams.settings, streams.to_configure)
        };
        if let (Some(settings), true) = (settings, to_configure) {
            streams::configure(&self.context, settings).await?;
        }
        let found = streams::ensure(&self.context, settings).await?;
        *self.streams.lock() = Streams {
            settings: Some(found),
            to_configure: false,
        };
        Ok(found)
    }

    /// How the streams are kept, as last seen; `None` if this process has not seen them yet, which [`Nats::connect`] waits for.
    pub fn stream_settings(&self) -> Option<StreamSettings> {
        self.streams.lock().settings
    }

    /// The core client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// JetStream.
    pub fn jetstream(&self) -> &jetstream::Context {
        &self.context
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
        match connect_once(config, name, count).await? {
            Ok(client) => return Ok(client),
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

/// One attempt. The outer error is one that no later attempt would mend.
async fn connect_once(
    config: &NatsConfig,
    name: &str,
    count: &watch::Sender<u64>,
) -> anyhow::Result<Result<Client, ConnectError>> {
    let attempt = options(config, name, count.clone())
        .connect(&config.urls[..])
        .await;
    match attempt {
        Err(error) if error.kind() == ConnectErrorKind::AuthorizationViolation => {
            bail!("NATS refuses the credentials; check BACKEND_NATS_CREDENTIALS")
        }
        attempt => Ok(attempt),
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
                other => tracing::warn!(event = %other, "NATS reported an event"),
            }
            std::future::ready(())
        });
    let options = match &config.authorities {
        Some(authorities) => options.add_root_certificates(authorities.path.clone()),
        None => options,
    };
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
