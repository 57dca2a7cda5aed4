//! The worker over due mails: claims, sends outside of any transaction, records the outcome under the lease.

use std::{sync::Arc, time::Duration};

use galaxy_core::{Clock, DependencyError, Timestamp, text};
use galaxy_mail::{
    claim::{self, Claim},
    finish::{Failure, Outcome, finish},
};
use galaxy_service::{Backoff, Process, telemetry};
use galaxy_store::{Db, Result, lease, worker::Queue};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::{
    breaker::{Breaker, Observation, Transition},
    config::Sending,
    message,
    metrics::Metrics,
    retry_policy,
    smtp::{SendError, Stage},
    transport::MailTransport,
};

/// The lease of a claim; it is renewed while the mail is being sent.
const LEASE: Duration = Duration::from_mins(1);
/// How long an attempt may go on after the process begins to drain.
const GRACE: Duration = Duration::from_secs(10);
/// Characters of a connection's error that are logged.
const LOGGED_REASON: usize = 300;
/// Waits between tries to record an outcome while the database is unavailable.
const RECORD_BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// The mail queue and what is needed to work on it.
pub struct MailQueue {
    db: Db,
    clock: Clock,
    transport: MailTransport,
    sending: Sending,
    breaker: Breaker,
    metrics: Metrics,
    wakeup: Arc<Notify>,
    draining: CancellationToken,
}

impl MailQueue {
    /// `wakeup` wakes the worker; it is also notified here when the breaker closes.
    pub fn new(
        db: &Db,
        process: &Process,
        transport: MailTransport,
        sending: Sending,
        wakeup: Arc<Notify>,
    ) -> Self {
        Self {
            db: db.clone(),
            clock: process.clock.clone(),
            transport,
            sending,
            breaker: Breaker::default(),
            metrics: Metrics::default(),
            wakeup,
            draining: process.tasks.draining(),
        }
    }

    /// Sends a claimed mail. Returns the outcome to record and what the attempt tells about the server.
    async fn attempt(&self, claim: &Claim) -> (Outcome, Observation) {
        if claim.is_expired {
            return (Outcome::Expired, Observation::NoAttempt);
        }
        if self.draining.is_cancelled() {
            return (Outcome::Released, Observation::NoAttempt);
        }
        if u32::try_from(claim.attempts).unwrap_or(0) >= self.sending.max_attempts {
            return (dead("every attempt was abandoned"), Observation::NoAttempt);
        }
        let message = match message::build(claim, &self.sending) {
            Ok(message) => message,
            Err(error) => return (dead(&error.to_string()), Observation::NoAttempt),
        };
        let name = claim.delivery_id.to_string();
        let sent = tokio::select! {
            sent = self.transport.send(&name, &message) => sent,
            () = self.grace_period_over() => return (interrupted(), Observation::NoAttempt),
        };
        match sent {
            Ok(()) => (Outcome::Sent, Observation::Available),
            Err(error) => {
                log_connection(&error);
                let outcome =
                    retry_policy::outcome(&error, claim.attempts, self.sending.max_attempts);
                let observation = match &outcome {
                    _ if retry_policy::is_server_unreachable(&error) => Observation::Unreachable,
                    Outcome::Dead(_) => Observation::Available,
                    _ => Observation::TransientFailure,
                };
                (outcome, observation)
            }
        }
    }

    async fn grace_period_over(&self) {
        self.draining.cancelled().await;
        tokio::time::sleep(GRACE).await;
    }

    fn observe(&self, observation: Observation) {
        match self.breaker.record(observation, Instant::now()) {
            Some(Transition::Opened) => {
                tracing::warn!(
                    "the SMTP server is unavailable; mails stay queued and one at a time is sent as a probe"
                );
                self.metrics.breaker(true);
            }
            Some(Transition::Closed) => {
                tracing::info!("the SMTP server is available again");
                self.metrics.breaker(false);
                self.wakeup.notify_one();
            }
            None => {}
        }
    }

    fn count(&self, claim: &Claim, outcome: &Outcome) {
        let label = match outcome {
            Outcome::Sent => "sent",
            Outcome::Retry { .. } => "postponed",
            Outcome::Dead(_) => "dead",
            Outcome::Expired => "expired",
            Outcome::Released => "released",
        };
        self.metrics.outcome(label);
        match outcome {
            Outcome::Sent => {
                let waited = self.clock.now().duration_since(claim.created_at);
                let waited = waited.as_secs_f64().max(0.0);
                self.metrics.sent(waited);
                tracing::info!(
                    waited_seconds = waited,
                    attempts = claim.attempts + 1,
                    "a mail was sent"
                );
            }
            Outcome::Retry { failure, .. } | Outcome::Dead(failure) => {
                tracing::info!(
                    outcome = label,
                    code = failure.code,
                    attempts = claim.attempts + 1,
                    "a mail was not accepted"
                );
            }
            Outcome::Expired | Outcome::Released => {}
        }
    }

    /// Records the outcome. Retries while the lease lasts, since a mail whose outcome is not recorded is sent again.
    async fn record(
        &self,
        claim: &Claim,
        outcome: &Outcome,
        started_at: Timestamp,
    ) -> Result<bool> {
        let since = Instant::now();
        let mut failures = 0;
        loop {
            match finish(&self.db, claim, outcome, started_at).await {
                Err(error) if error.is_unavailable() && since.elapsed() < LEASE / 2 => {
                    failures += 1;
                    tokio::time::sleep(RECORD_BACKOFF.delay(failures)).await;
                }
                recorded => return recorded,
            }
        }
    }

    async fn work_on(&self, claim: &Claim) {
        let started_at = self.clock.now();
        let renew = || claim::renew(&self.db, claim, LEASE);
        let Ok((outcome, observation)) =
            lease::hold(LEASE, renew, Box::pin(self.attempt(claim))).await
        else {
            self.observe(Observation::NoAttempt);
            self.metrics.outcome("lease_lost");
            return;
        };
        self.observe(observation);
        match self.record(claim, &outcome, started_at).await {
            Ok(true) => self.count(claim, &outcome),
            Ok(false) => self.metrics.outcome("lease_lost"),
            // The lease expires and the mail is sent again: the one case in which it may arrive twice.
            Err(error) => tracing::error!(%error, "the outcome of a mail could not be recorded"),
        }
    }
}

impl Queue for MailQueue {
    type Item = Claim;

    async fn claim(&self, limit: u32) -> Result<Vec<Claim>> {
        let limit = self.breaker.permitted(limit, Instant::now());
        if limit == 0 {
            return Ok(vec![]);
        }
        let claimed = claim::claim(&self.db, limit, LEASE).await;
        if !matches!(&claimed, Ok(claims) if !claims.is_empty()) {
            self.observe(Observation::NoAttempt);
        }
        claimed
    }

    async fn work(&self, claim: Claim) {
        let span = tracing::info_span!(
            "mail.send",
            otel.kind = "consumer",
            delivery_id = %claim.delivery_id,
            template_id = claim.template_id,
        );
        telemetry::parent_from(&span, claim.traceparent.as_deref());
        self.work_on(&claim).instrument(span).await;
    }
}

/// Logs why there is no connection: its certificate, its refusal of our password. Later replies may name the recipient.
fn log_connection(error: &SendError) {
    if error.stage == Stage::Connect {
        let reason = text::printable(error.reason.as_bytes(), LOGGED_REASON);
        tracing::warn!(code = error.code, reason, "the SMTP server cannot be used");
    }
}

fn dead(reason: &str) -> Outcome {
    Outcome::Dead(Failure {
        code: None,
        error: reason.to_owned(),
    })
}

fn interrupted() -> Outcome {
    Outcome::Retry {
        after: Duration::ZERO,
        spent: false,
        failure: Failure {
            code: None,
            error: "interrupted by a shutdown".to_owned(),
        },
    }
}
