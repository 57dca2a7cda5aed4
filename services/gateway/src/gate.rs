//! The checks of a signed request, in order, cheapest first. Who passes is known and fresh.
//!
//! size → shape → freshness → limits of the address and session → session → payload hash and
//! signature → limits of the user → replay. What is behind the signature is asked only on behalf of
//! who holds the key: a stranger can neither use up a user's limits nor fill the replay bucket.

use std::net::IpAddr;

use galaxy_core::{Clock, DeviceSessionId, UserId};
use galaxy_proto::gateway::v1::SignedRequest;
use galaxy_proto::signing;
use galaxy_service::Generation;

use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::replay::ReplayGuard;
use crate::routes::{Class, Routes};
use crate::sessions::Sessions;
use crate::shape::{self, Shaped, Target};

/// The checks with what they need.
pub struct Gate {
    /// The operations that there are.
    pub routes: Routes,
    /// How often who may call.
    pub limits: Limits,
    /// Looks sessions up.
    pub sessions: Sessions,
    /// Takes request ids.
    pub replay: ReplayGuard,
    /// The time.
    pub clock: Clock,
    /// How far a request's time may be off, milliseconds.
    pub window_ms: u64,
}

/// A request that passed.
#[derive(Debug)]
pub struct Passed<'a> {
    /// Its session.
    pub session: DeviceSessionId,
    /// Its user.
    pub user: UserId,
    /// What it asks for.
    pub target: Target<'a>,
    /// The generation of the cache in which the session was active.
    pub generation: Generation,
}

impl Gate {
    /// Checks a request from `source`.
    pub async fn check(
        &self,
        request: &SignedRequest,
        source: IpAddr,
    ) -> Result<Passed<'_>, Refusal> {
        let shaped = shape::check(request, &self.routes)?;
        let now_ms = self.clock.now().as_millisecond();
        if !shape::is_fresh(request.timestamp_ms, now_ms, self.window_ms) {
            return Err(Refusal::StaleTimestamp);
        }
        self.limits.stranger(source, shaped.session)?;
        self.identify(request, &shaped).await
    }

    async fn identify<'a>(
        &'a self,
        request: &SignedRequest,
        shaped: &Shaped<'a>,
    ) -> Result<Passed<'a>, Refusal> {
        let found = self
            .sessions
            .find(shaped.session, &request.request_id)
            .await?;
        let (session, generation) = found;
        let hash =
            signing::check_request_payload(request).map_err(|_| Refusal::PayloadHashMismatch)?;
        signing::verify_request(request, hash, &session.key)
            .map_err(|_| Refusal::InvalidSignature)?;
        self.limits.user(session.user, class(shaped.target))?;
        self.replay
            .take(shaped.session, shaped.request_id, request.timestamp_ms)
            .await?;
        Ok(Passed {
            session: shaped.session,
            user: session.user,
            target: shaped.target,
            generation,
        })
    }

    /// Whether the session of a request that passed is still known to be active. Asked after the
    /// request was noted where the end of the session would reach it.
    pub async fn is_still_active(
        &self,
        passed: &Passed<'_>,
        request_id: &str,
    ) -> Result<(), Refusal> {
        if self
            .sessions
            .cache()
            .is_current(passed.session, passed.generation)
        {
            return Ok(());
        }
        self.sessions
            .fetch(passed.session, request_id)
            .await
            .map(drop)
    }
}

fn class(target: Target<'_>) -> Class {
    match target {
        Target::Events => Class::Subscribe,
        Target::Operation(route) => route.class(),
    }
}
