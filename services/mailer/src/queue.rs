//! The worker over due mails: claims, sends outside of any transaction, records under the lease.

use std::{sync::Arc, time::Duration};

use galaxy_core::{Clock, DependencyError, Timestamp};
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
    breaker::{Breaker, Change, Sign},
    config::Sending,
    message,
    metrics::Metrics,
    outlet::Outlet,
    verdict,
};

/// How long a claim lasts; it is renewed while the mail is being sent.
const LEASE: Duration = Duration::from_mins(1);
/// How long a conversation may go on once the process drains.
const GRACE: Duration = Duration::from_secs(10);
/// Waits before an outcome is recorded again after the database was away.
const RECORDING: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// The mail queue as this process works on it.
pub struct MailQueue {
    db: Db,
    clock: Clock,
    outlet: Outlet,
    sending: Sending,
    breaker: Breaker,
    metrics: Metrics,
    bell: Arc<Notify>,
    draining: CancellationToken,
}

impl MailQueue {
    /// Sends through `outlet`; rings `bell` when a relay that was away is back.
    pub fn new(
        db: &Db,
        process: &Process,
        outlet: Outlet,
        sending: Sending,
        bell: Arc<Notify>,
    ) -> Self {
        Self {
            db: db.clone(),
            clock: process.clock.clone(),
            outlet,
            sending,
            breaker: Breaker::default(),
            metrics: Metrics::default(),
            bell,
            draining: process.tasks.draining(),
        }
    }

    /// What is to be recorded of a claimed mail, and what it says about the relay.
    async fn attempt(&self, claim: &Claim) -> (Outcome, Sign) {
        if claim.is_expired {
            return (Outcome::Expired, Sign::Silent);
        }
        if self.draining.is_cancelled() {
            return (Outcome::Released, Sign::Silent);
        }
        if u32::try_from(claim.attempts).unwrap_or(0) >= self.sending.max_attempts {
            return (dead("every attempt was abandoned"), Sign::Silent);
        }
        let message = match message::build(claim, &self.sending) {
            Ok(message) => message,
            Err(error) => return (dead(&error.to_string()), Sign::Silent),
        };
        let name = claim.delivery_id.to_string();
        let sent = tokio::select! {
            sent = self.outlet.send(&name, &message) => sent,
            () = self.out_of_time() => return (interrupted(), Sign::Silent),
        };
        match sent {
            Ok(()) => (Outcome::Sent, Sign::Well),
            Err(error) => {
                let outcome = verdict::judge(&error, claim.attempts, self.sending.max_attempts);
                let sign = match &outcome {
                    _ if verdict::is_relay_away(&error) => Sign::Away,
                    Outcome::Dead(_) => Sign::Well,
                    _ => Sign::Unwilling,
                };
                (outcome, sign)
            }
        }
    }

    async fn out_of_time(&self) {
        self.draining.cancelled().await;
        tokio::time::sleep(GRACE).await;
    }

    fn note(&self, sign: Sign) {
        match self.breaker.note(sign, Instant::now()) {
            Some(Change::Opened) => {
                tracing::warn!("the relay takes no mail; mails wait and one at a time tries");
                self.metrics.breaker(true);
            }
            Some(Change::Closed) => {
                tracing::info!("the relay takes mail again");
                self.metrics.breaker(false);
                self.bell.notify_one();
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
                self.metrics.sent(waited.as_secs_f64().max(0.0));
            }
            Outcome::Retry { failure, .. } | Outcome::Dead(failure) => {
                tracing::info!(
                    outcome = label,
                    code = failure.code,
                    attempts = claim.attempts + 1,
                    "a mail was not taken"
                );
            }
            Outcome::Expired | Outcome::Released => {}
        }
    }

    /// Records the outcome, patiently: what is not recorded while the lease lasts is sent once more.
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
                    tokio::time::sleep(RECORDING.delay(failures)).await;
                }
                recorded => return recorded,
            }
        }
    }

    async fn work_on(&self, claim: &Claim) {
        let started_at = self.clock.now();
        let renew = || claim::renew(&self.db, claim, LEASE);
        let Ok((outcome, sign)) = lease::hold(LEASE, renew, Box::pin(self.attempt(claim))).await
        else {
            self.note(Sign::Silent);
            self.metrics.outcome("lease_lost");
            return;
        };
        self.note(sign);
        match self.record(claim, &outcome, started_at).await {
            Ok(true) => self.count(claim, &outcome),
            Ok(false) => self.metrics.outcome("lease_lost"),
            // The lease runs out and the mail is tried again: the one case in which it may arrive twice.
            Err(error) => tracing::error!(%error, "the outcome of a mail could not be recorded"),
        }
    }
}

impl Queue for MailQueue {
    type Item = Claim;

    async fn claim(&self, room: u32) -> Result<Vec<Claim>> {
        let room = self.breaker.room(room, Instant::now());
        if room == 0 {
            return Ok(vec![]);
        }
        let claimed = claim::claim(&self.db, room, LEASE).await;
        if !matches!(&claimed, Ok(claims) if !claims.is_empty()) {
            self.note(Sign::Silent);
        }
        claimed
    }

    async fn work(&self, claim: Claim) {
        let span = tracing::info_span!("mail.send", delivery_id = %claim.delivery_id, template_id = claim.template_id);
        telemetry::parent_from(&span, claim.traceparent.as_deref());
        self.work_on(&claim).instrument(span).await;
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
