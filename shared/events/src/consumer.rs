//! Durable consumers: pull, apply in one transaction with the inbox row, commit, acknowledge.
//!
//! A consumer has a fixed number of loops, and a loop pulls one event only when it is free to apply it. So the time to
//! acknowledge never runs for an event that waits for another one, and waiting events stay available to other replicas.
//! Every pull ends within [`PULL_TIMEOUT`], so a broken connection or a deleted consumer is detected and set up again.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_nats::jetstream::{
    AckKind, Message,
    consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull},
};
use futures_util::{FutureExt, StreamExt};
use galaxy_service::{Backoff, Process, tasks, telemetry};
use galaxy_store::{Db, Tx};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    Envelope, Nats, inbox,
    metrics::{self, ConsumerCounters},
    streams,
};

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Applied, or of no interest: commit and acknowledge.
    Done,
    /// Cannot be applied yet: roll back, deliver again after this long.
    Again(Duration),
    /// Can never be applied: commit what the handler wrote about it and stop its delivery.
    Never(String),
}

/// Applies events in the transaction it is given. It must change nothing but the database, since an event can be applied
/// again after a rollback.
pub trait Handler: Send + Sync + 'static {
    /// Applies `event`, which this consumer has not applied before.
    fn apply(
        &self,
        tx: &mut Tx,
        event: &Envelope,
    ) -> impl Future<Output = galaxy_store::Result<Verdict>> + Send;

    /// Stores a message that is not an event; its delivery stops afterwards. The default stores nothing.
    fn unreadable(
        &self,
        tx: &mut Tx,
        payload: &[u8],
        reason: &str,
    ) -> impl Future<Output = galaxy_store::Result<()>> + Send {
        let _ = (tx, payload, reason);
        std::future::ready(Ok(()))
    }
}

/// How a consumer runs.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Durable name; replicas of the same name share the events.
    pub name: &'static str,
    /// Subjects to consume, such as `galaxy.events.runtime.*`; empty: all.
    pub subjects: &'static [&'static str],
    /// Events applied at once.
    pub loops: usize,
}

/// How long one pull waits for an event.
const PULL_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an event may be applied before it is delivered again.
const ACK_WAIT: Duration = Duration::from_secs(30);
const RETRY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(30));

/// Starts the consumer's loops; they end when the process drains.
pub fn start<H: Handler>(
    process: &Process,
    db: &Db,
    nats: &Nats,
    handler: &Arc<H>,
    options: Options,
) {
    let counters = ConsumerCounters::new(options.name);
    metrics::measure_consumer(process, nats, options.name);
    for _ in 0..options.loops.max(1) {
        let consumer = Consumer {
            db: db.clone(),
            nats: nats.clone(),
            handler: handler.clone(),
            options,
            draining: process.tasks.draining(),
            counters: counters.clone(),
        };
        let consumer = Arc::new(consumer);
        process.tasks.supervise(options.name, move || {
            let consumer = consumer.clone();
            async move { consumer.run().await }
        });
    }
}

struct Consumer<H> {
    db: Db,
    nats: Nats,
    handler: Arc<H>,
    options: Options,
    draining: CancellationToken,
    counters: ConsumerCounters,
}

impl<H: Handler> Consumer<H> {
    async fn run(&self) {
        let mut failures = 0;
        while !self.draining.is_cancelled() {
            match self.pull_until_broken(&mut failures).await {
                Ok(()) => {}
                Err(error) => {
                    failures += 1;
                    tracing::warn!(consumer = self.options.name, %error, "events cannot be pulled; trying again");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY.delay(failures.min(6))) => {}
                        () = self.draining.cancelled() => {}
                    }
                }
            }
        }
    }

    /// Pulls and applies until the process drains, the connection is replaced, or a pull fails.
    async fn pull_until_broken(&self, failures: &mut u32) -> Result<(), async_nats::Error> {
        let mut connections = self.nats.connections();
        connections.mark_unchanged();
        let consumer = self.attach().await?;
        loop {
            let mut pull = consumer
                .batch()
                .max_messages(1)
                .expires(PULL_TIMEOUT)
                .messages()
                .await?;
            let message = tokio::select! {
                message = tokio::time::timeout(PULL_TIMEOUT * 2, pull.next()) => message?,
                () = self.draining.cancelled() => return Ok(()),
                // The server has forgotten this pull.
                _ = connections.changed() => return Ok(()),
            };
            if let Some(message) = message {
                *failures = 0;
                self.handle(message?).await?;
            }
        }
    }

    /// Finds the durable consumer or creates it, and the stream if it is missing.
    async fn attach(&self) -> Result<PullConsumer, async_nats::Error> {
        self.nats.ensure_streams().await?;
        let stream = self.nats.jetstream().get_stream(streams::EVENTS).await?;
        let config = pull::Config {
            durable_name: Some(self.options.name.to_owned()),
            filter_subjects: self
                .options
                .subjects
                .iter()
                .map(|s| (*s).to_owned())
                .collect(),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            max_ack_pending: 1_000,
            ..pull::Config::default()
        };
        Ok(stream.create_consumer(config).await?)
    }

    async fn handle(&self, message: Message) -> Result<(), async_nats::Error> {
        let (verdict, outcome) =
            match Envelope::read(message.headers.as_ref(), message.payload.clone()) {
                Ok(envelope) => self.apply(&envelope, &message).await,
                Err(reason) => self.store_unreadable(&message, reason).await,
            };
        let delivery = message.info().map_or(1, |info| info.delivered);
        self.counters.handled(outcome, delivery);
        match verdict {
            Verdict::Done => message.ack().await,
            Verdict::Again(after) => message.ack_with(AckKind::Nak(Some(after))).await,
            Verdict::Never(reason) => {
                tracing::error!(consumer = self.options.name, subject = %message.subject, reason, "an event was given up");
                message.ack_with(AckKind::Term).await
            }
        }
    }

    async fn store_unreadable(&self, message: &Message, reason: &str) -> (Verdict, &'static str) {
        let reason = format!("it is not an event: {reason}");
        let stored = async {
            let mut tx = self.db.begin().await?;
            self.handler
                .unreadable(&mut tx, &message.payload, &reason)
                .await?;
            tx.commit().await
        };
        match stored.await {
            Ok(()) => (Verdict::Never(reason), "unreadable"),
            Err(error) => {
                tracing::warn!(%error, "an unreadable message could not be stored; trying again");
                (Verdict::Again(RETRY.delay(6)), "failed")
            }
        }
    }

    async fn apply(&self, envelope: &Envelope, message: &Message) -> (Verdict, &'static str) {
        let span = tracing::info_span!(
            "event", otel.kind = "consumer", consumer = self.options.name, event_id = %envelope.id, event_type = envelope.event_type
        );
        telemetry::parent_from(&span, envelope.traceparent.as_deref());
        let deliveries = message.info().map_or(1, |info| info.delivered);
        let after = RETRY.delay(u32::try_from(deliveries).unwrap_or(u32::MAX));
        let applied = AssertUnwindSafe(self.apply_once(envelope)).catch_unwind();
        match applied.instrument(span.clone()).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error)) => {
                telemetry::failed(&span);
                span.in_scope(|| tracing::warn!(%error, deliveries, "an event could not be applied; trying again"));
                (Verdict::Again(after), "failed")
            }
            Err(panic) => {
                telemetry::failed(&span);
                let panic = tasks::panic_message(&*panic);
                span.in_scope(|| {
                    tracing::error!(panic, deliveries, "a handler panicked; trying again");
                });
                (Verdict::Again(after), "panicked")
            }
        }
    }

    async fn apply_once(
        &self,
        envelope: &Envelope,
    ) -> galaxy_store::Result<(Verdict, &'static str)> {
        let mut tx = self.db.begin().await?;
        if !inbox::first_time(&mut tx, self.options.name, envelope.id).await? {
            return Ok((Verdict::Done, "duplicate"));
        }
        let verdict = self.handler.apply(&mut tx, envelope).await?;
        match verdict {
            Verdict::Again(_) => return Ok((verdict, "postponed")),
            Verdict::Done | Verdict::Never(_) => tx.commit().await?,
        }
        let outcome = if verdict == Verdict::Done {
            "applied"
        } else {
            "given_up"
        };
        Ok((verdict, outcome))
    }
}
