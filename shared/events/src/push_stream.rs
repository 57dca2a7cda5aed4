//! Reads the whole push stream in order, for push-hub.
//!
//! A reader has no durable consumer: it starts at the stream's beginning and keeps its position in memory. It survives
//! restarts of the broker, and detects a stream that was created again or went back to an older state. A plain consumer
//! would wait for the next sequence without end.

use std::{sync::atomic::Ordering, time::Duration};

use async_nats::{
    connection::State,
    jetstream::{
        self,
        consumer::{
            DeliverPolicy,
            pull::{Ordered, OrderedConfig},
        },
        stream::Info,
    },
};
use bytes::Bytes;
use futures_util::StreamExt;
use galaxy_core::Timestamp;

use crate::{StreamIdentity, StreamPosition, stream_position::nanoseconds, streams::PUSH};

/// How often the state of the connection is checked while no message arrives.
const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How often the broker is asked for the stream's last sequence while no message arrives.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(2);
/// How long the broker may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);

/// What the reader found.
#[derive(Debug)]
pub enum PushSignal {
    /// A stream that was not read before, now holding the messages `first..=last` (`last < first`:
    /// none). Positions of an earlier one mean nothing here.
    Opened {
        /// Which stream it is.
        stream: StreamIdentity,
        /// Sequence of its first message.
        first: u64,
        /// Sequence of its last message.
        last: u64,
    },
    /// The next message.
    Message(PushMessage),
    /// The broker cannot be reached or read; messages may have been published meanwhile.
    Interrupted,
    /// After an interruption: reading continues behind the last message.
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
    /// Behind the last message that was read.
    position: Option<StreamPosition>,
    /// The consumer, and the number of the connection that it was made on.
    consumer: Option<(Ordered, u64)>,
    interrupted: bool,
}

#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("the stream cannot be looked up: {0}")]
    Lookup(String),
    #[error("the consumer cannot be made: {0}")]
    Consumer(String),
    #[error("the consumer failed: {0}")]
    Read(String),
    #[error("the consumer delivers nothing although the stream has new messages")]
    Stuck,
    #[error("the broker did not answer in time")]
    Timeout,
    #[error("the connection was lost")]
    Disconnected,
}

impl PushReader {
    /// A reader that will begin at the stream's first message.
    pub fn new(client: async_nats::Client) -> Self {
        Self::of(client, PUSH)
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

    /// Waits for the next signal, without a limit while the broker is away. Dropping the future loses no message.
    pub async fn next(&mut self) -> PushSignal {
        loop {
            match self.try_next().await {
                Ok(Some(signal)) => return signal,
                Ok(None) => {}
                Err(error) => {
                    self.consumer = None;
                    if !std::mem::replace(&mut self.interrupted, true) {
                        tracing::warn!(%error, "the push stream is interrupted");
                        return PushSignal::Interrupted;
                    }
                    tracing::debug!(%error, "the push stream is still interrupted");
                    tokio::time::sleep(POLL_INTERVAL).await;
                }
            }
        }
    }

    async fn try_next(&mut self) -> Result<Option<PushSignal>, ReadError> {
        let Some((mut consumer, connection)) = self.consumer.take() else {
            return self.open().await;
        };
        let outcome = self.read(&mut consumer, connection).await?;
        self.consumer = Some((consumer, connection));
        Ok(outcome)
    }

    /// Looks the stream up and makes a consumer behind the position.
    async fn open(&mut self) -> Result<Option<PushSignal>, ReadError> {
        let connection = self.connection().ok_or(ReadError::Disconnected)?;
        let info = info(&self.jetstream, &self.stream).await?;
        let (first, end) = (info.state.first_sequence, StreamPosition::end_of(&info));
        let known = self.position.filter(|position| position.is_within(end));
        let position = known.unwrap_or(StreamPosition {
            sequence: first.saturating_sub(1),
            ..end
        });
        let stream = within_timeout(self.jetstream.get_stream_no_info(&self.stream))
            .await?
            .map_err(|error| ReadError::Lookup(error.to_string()))?;
        let config = OrderedConfig {
            deliver_policy: DeliverPolicy::ByStartSequence {
                start_sequence: position.sequence + 1,
            },
            ..OrderedConfig::default()
        };
        let consumer = within_timeout(stream.create_consumer(config))
            .await?
            .map_err(|error| ReadError::Consumer(error.to_string()))?;
        let messages = within_timeout(consumer.messages())
            .await?
            .map_err(|error| ReadError::Consumer(error.to_string()))?;
        self.consumer = Some((messages, connection));
        self.position = Some(position);
        let interrupted = std::mem::take(&mut self.interrupted);
        Ok(match known {
            Some(_) => interrupted.then_some(PushSignal::Continued),
            None => Some(PushSignal::Opened {
                stream: end.stream,
                first,
                last: end.sequence,
            }),
        })
    }

    /// The next message, or an error when there should be one and none comes.
    async fn read(
        &mut self,
        consumer: &mut Ordered,
        connection: u64,
    ) -> Result<Option<PushSignal>, ReadError> {
        let mut quiet = Duration::ZERO;
        let mut behind_at = None;
        loop {
            match tokio::time::timeout(POLL_INTERVAL, consumer.next()).await {
                Ok(Some(Ok(message))) => return self.accept(&message).map(Some),
                Ok(Some(Err(error))) => return Err(ReadError::Read(error.to_string())),
                Ok(None) => return Err(ReadError::Read("it ended".to_owned())),
                Err(_) if self.connection() != Some(connection) => {
                    return Err(ReadError::Disconnected);
                }
                Err(_) => quiet += POLL_INTERVAL,
            }
            if quiet < LOOKUP_INTERVAL {
                continue;
            }
            quiet = Duration::ZERO;
            let info = info(&self.jetstream, &self.stream).await?;
            let end = StreamPosition::end_of(&info);
            let lost = self.position.is_some_and(|at| !at.is_within(end));
            if self.position == Some(end) {
                behind_at = None;
            } else if behind_at == self.position || lost {
                return Err(ReadError::Stuck);
            } else {
                // The message may still be on its way: it counts as stuck at the next look-up only.
                behind_at = self.position;
            }
        }
    }

    fn accept(&mut self, message: &jetstream::Message) -> Result<PushSignal, ReadError> {
        let info = message
            .info()
            .map_err(|error| ReadError::Read(error.to_string()))?;
        let header = |name: &str| {
            let headers = message.headers.as_ref()?;
            Some(headers.get(name)?.as_str().to_owned())
        };
        if let Some(position) = &mut self.position {
            position.sequence = info.stream_sequence;
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

    /// The number of the connection to the broker, if there is one. Each reconnection has another number.
    fn connection(&self) -> Option<u64> {
        let connected = self.client.connection_state() == State::Connected;
        connected.then(|| self.client.statistics().connects.load(Ordering::Relaxed))
    }
}

async fn info(jetstream: &jetstream::Context, stream: &str) -> Result<Info, ReadError> {
    let stream = within_timeout(jetstream.get_stream(stream))
        .await?
        .map_err(|error| ReadError::Lookup(error.to_string()))?;
    Ok(stream.cached_info().clone())
}

async fn within_timeout<F: IntoFuture>(future: F) -> Result<F::Output, ReadError> {
    tokio::time::timeout(ANSWER_TIMEOUT, future)
        .await
        .map_err(|_| ReadError::Timeout)
}
