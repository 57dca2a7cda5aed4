//! Reads the whole push stream in order, for push-hub.
//!
//! A reader has no durable consumer: it starts at the stream's beginning and remembers its position
//! itself. It outlives restarts of the broker, and notices when the stream was made anew or went
//! back to an older state, which a consumer that waits for the next sequence would not.

use std::{sync::atomic::Ordering, time::Duration};

use async_nats::connection::State;
use async_nats::jetstream::{
    self,
    consumer::{
        DeliverPolicy,
        pull::{Ordered, OrderedConfig},
    },
    stream::Info,
};
use bytes::Bytes;
use futures_util::StreamExt;
use galaxy_core::Timestamp;

/// The stream that is read.
pub const PUSH_STREAM: &str = "GALAXY_PUSH";
/// How often the connection is looked at while nothing arrives.
const PULSE: Duration = Duration::from_millis(200);
/// How often the broker is asked, while nothing arrives, whether something should have.
const ASK_EVERY: Duration = Duration::from_secs(2);
/// How long the broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What the reader found.
#[derive(Debug)]
pub enum PushSignal {
    /// A stream that was not read before, now holding the messages `first..=last` (`last < first`:
    /// none). Positions of an earlier one mean nothing here.
    Opened {
        /// When the stream was created, nanoseconds since the Unix epoch.
        incarnation: u64,
        /// Sequence of its first message.
        first: u64,
        /// Sequence of its last message.
        last: u64,
    },
    /// The next message.
    Message(PushMessage),
    /// The broker cannot be reached or read: there may be messages that are not seen.
    Interrupted,
    /// After an interruption: reading goes on behind the last message.
    Continued,
}

/// A message of the push stream.
#[derive(Debug)]
pub struct PushMessage {
    /// Position in the stream. Follows on the one before, unless messages in between expired unread.
    pub sequence: u64,
    /// When the broker stored it, nanoseconds since the Unix epoch.
    pub stored_ns: u64,
    /// `galaxy.push.client` or `galaxy.push.invalidation`.
    pub subject: String,
    /// An encoded `galaxy.push.v1.PushEvent`.
    pub payload: Bytes,
    /// Header `ce-time`: when the cause was committed.
    pub time: Option<Timestamp>,
    /// Header `traceparent`.
    pub traceparent: Option<String>,
}

/// Position and connection of one reader.
pub struct PushReader {
    client: async_nats::Client,
    jetstream: jetstream::Context,
    stream: String,
    /// Creation and last read sequence of the stream that is being read.
    position: Option<(u64, u64)>,
    /// The consumer, and the number of the connection that it was made on.
    consumer: Option<(Ordered, u64)>,
    interrupted: bool,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the stream cannot be looked up: {0}")]
    Lookup(String),
    #[error("the consumer cannot be made: {0}")]
    Consumer(String),
    #[error("the consumer failed: {0}")]
    Read(String),
    #[error("the consumer brings nothing although there is something")]
    Stuck,
    #[error("the broker did not answer in time")]
    Timeout,
    #[error("the connection was lost")]
    Disconnected,
}

impl PushReader {
    /// A reader that will begin at the stream's first message.
    pub fn new(client: async_nats::Client) -> Self {
        Self::of(client, PUSH_STREAM)
    }

    /// A reader of a stream with another name.
    pub fn of(client: async_nats::Client, stream: &str) -> Self {
        Self {
            jetstream: jetstream::new(client.clone()),
            client,
            stream: stream.to_owned(),
            position: None,
            consumer: None,
            interrupted: false,
        }
    }

    /// Waits for the next signal, for ever if need be: a broker that is away is waited for. What was
    /// read stays read when the future is dropped.
    pub async fn next(&mut self) -> PushSignal {
        loop {
            match self.try_next().await {
                Ok(Some(signal)) => return signal,
                Ok(None) => {}
                Err(trouble) => {
                    self.consumer = None;
                    if !std::mem::replace(&mut self.interrupted, true) {
                        tracing::warn!(%trouble, "the push stream is interrupted");
                        return PushSignal::Interrupted;
                    }
                    tracing::debug!(%trouble, "the push stream is still interrupted");
                    tokio::time::sleep(PULSE).await;
                }
            }
        }
    }

    async fn try_next(&mut self) -> Result<Option<PushSignal>, Trouble> {
        let Some((mut consumer, connection)) = self.consumer.take() else {
            return self.open().await;
        };
        let outcome = self.read(&mut consumer, connection).await?;
        self.consumer = Some((consumer, connection));
        Ok(outcome)
    }

    /// Looks at the stream and makes a consumer behind the position.
    async fn open(&mut self) -> Result<Option<PushSignal>, Trouble> {
        let connection = self.connection().ok_or(Trouble::Disconnected)?;
        let info = info(&self.jetstream, &self.stream).await?;
        let incarnation = nanoseconds(info.created);
        let (first, last) = (info.state.first_sequence, info.state.last_sequence);
        let known = self
            .position
            .filter(|&(of, at)| of == incarnation && at <= last);
        let position = known.map_or(first.saturating_sub(1), |(_, at)| at);
        let stream = patiently(self.jetstream.get_stream_no_info(&self.stream))
            .await?
            .map_err(|error| Trouble::Lookup(error.to_string()))?;
        let config = OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: position + 1,
            },
            ..OrderedConfig::default()
        };
        let consumer = patiently(stream.create_consumer(config))
            .await?
            .map_err(|error| Trouble::Consumer(error.to_string()))?;
        let messages = patiently(consumer.messages())
            .await?
            .map_err(|error| Trouble::Consumer(error.to_string()))?;
        self.consumer = Some((messages, connection));
        self.position = Some((incarnation, position));
        let interrupted = std::mem::take(&mut self.interrupted);
        Ok(match known {
            Some(_) => interrupted.then_some(PushSignal::Continued),
            None => Some(PushSignal::Opened {
                incarnation,
                first,
                last,
            }),
        })
    }

    /// The next message, or an error when there should be one and none comes.
    async fn read(
        &mut self,
        consumer: &mut Ordered,
        connection: u64,
    ) -> Result<Option<PushSignal>, Trouble> {
        let mut quiet = Duration::ZERO;
        let mut asked_for = None;
        loop {
            match tokio::time::timeout(PULSE, consumer.next()).await {
                Ok(Some(Ok(message))) => return self.accept(&message).map(Some),
                Ok(Some(Err(error))) => return Err(Trouble::Read(error.to_string())),
                Ok(None) => return Err(Trouble::Read("it ended".to_owned())),
                Err(_) if self.connection() != Some(connection) => {
                    return Err(Trouble::Disconnected);
                }
                Err(_) => quiet += PULSE,
            }
            if quiet < ASK_EVERY {
                continue;
            }
            quiet = Duration::ZERO;
            let info = info(&self.jetstream, &self.stream).await?;
            let found = (nanoseconds(info.created), info.state.last_sequence);
            if self.position == Some(found) {
                asked_for = None;
            } else if asked_for == self.position || self.went_back(found) {
                return Err(Trouble::Stuck);
            } else {
                // Perhaps it is just on its way: look again before judging.
                asked_for = self.position;
            }
        }
    }

    fn went_back(&self, found: (u64, u64)) -> bool {
        self.position
            .is_some_and(|(of, at)| of != found.0 || at > found.1)
    }

    fn accept(&mut self, message: &jetstream::Message) -> Result<PushSignal, Trouble> {
        let info = message
            .info()
            .map_err(|error| Trouble::Read(error.to_string()))?;
        let header = |name: &str| {
            let headers = message.headers.as_ref()?;
            Some(headers.get(name)?.as_str().to_owned())
        };
        if let Some((_, at)) = &mut self.position {
            *at = info.stream_sequence;
        }
        Ok(PushSignal::Message(PushMessage {
            sequence: info.stream_sequence,
            stored_ns: nanoseconds(info.published),
            subject: message.subject.to_string(),
            payload: message.payload.clone(),
            time: header("ce-time").and_then(|text| text.parse().ok()),
            traceparent: header("traceparent"),
        }))
    }

    /// The number of the connection to the broker, if there is one: changes when it was made anew.
    fn connection(&self) -> Option<u64> {
        let connected = self.client.connection_state() == State::Connected;
        connected.then(|| self.client.statistics().connects.load(Ordering::Relaxed))
    }
}

async fn info(jetstream: &jetstream::Context, stream: &str) -> Result<Info, Trouble> {
    let stream = patiently(jetstream.get_stream(stream))
        .await?
        .map_err(|error| Trouble::Lookup(error.to_string()))?;
    Ok(stream.cached_info().clone())
}

async fn patiently<F: IntoFuture>(future: F) -> Result<F::Output, Trouble> {
    tokio::time::timeout(PATIENCE, future)
        .await
        .map_err(|_| Trouble::Timeout)
}

fn nanoseconds(time: async_nats::datetime::DateTime) -> u64 {
    u64::try_from(time.unix_timestamp_nanos()).unwrap_or_default()
}
