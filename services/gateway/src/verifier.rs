//! The checks of a signed request, in order, cheapest first.
//!
//! size → shape → freshness → rate limits of the address and the claimed session → session → payload hash and signature →
//! rate limits of the user → replay. The user's limits and the replay bucket come after the signature, so that a client
//! without the session's key can neither use up the limits nor fill the bucket.

use std::net::IpAddr;

use galaxy_core::{Clock, DeviceSessionId, UserId};
use galaxy_proto::{gateway::v1::SignedRequest, signing};
use galaxy_service::Generation;

use crate::{
    config::ForwardLimits,
    rate_limits::RateLimits,
    refusal::Refusal,
    replay::ReplayGuard,
    request_shape::{self, ParsedRequest, Target},
    routes::Routes,
    sessions::Sessions,
};

/// Verifies signed requests.
pub struct RequestVerifier {
    pub routes: Routes,
    pub forward_limits: ForwardLimits,
    pub rate_limits: RateLimits,
    pub sessions: Sessions,
    pub replay: ReplayGuard,
    pub clock: Clock,
    /// How far a request's timestamp may be off, in milliseconds.
    pub window_ms: u64,
}

/// A request that passed every check.
#[derive(Debug)]
pub struct VerifiedRequest<'a> {
    pub session: DeviceSessionId,
    pub user: UserId,
    pub target: Target<'a>,
    /// The generation of the session cache in which the session was active.
    pub generation: Generation,
}

impl RequestVerifier {
    /// Checks a request from `source`.
    pub async fn verify(
        &self,
        request: &SignedRequest,
        source: IpAddr,
    ) -> Result<VerifiedRequest<'_>, Refusal> {
        let parsed = request_shape::check(request, &self.routes, &self.forward_limits)?;
        let now_ms = self.clock.now().as_millisecond();
        if !request_shape::is_fresh(request.timestamp_ms, now_ms, self.window_ms) {
            return Err(Refusal::StaleTimestamp);
        }
        self.rate_limits.unauthenticated(source, parsed.session)?;
        self.authenticate(request, &parsed).await
    }

    async fn authenticate<'a>(
        &'a self,
        request: &SignedRequest,
        parsed: &ParsedRequest<'a>,
    ) -> Result<VerifiedRequest<'a>, Refusal> {
        let (session, generation) = self
            .sessions
            .find(parsed.session, &request.request_id)
            .await?;
        let hash =
            signing::check_request_payload(request).map_err(|_| Refusal::PayloadHashMismatch)?;
        signing::verify_request(request, hash, &session.key)
            .map_err(|_| Refusal::InvalidSignature)?;
        self.rate_limits
            .authenticated(session.user, parsed.target.class())?;
        self.replay
            .take(parsed.session, parsed.request_id, request.timestamp_ms)
            .await?;
        Ok(VerifiedRequest {
            session: parsed.session,
            user: session.user,
            target: parsed.target,
            generation,
        })
    }

    /// Checks that the session of a verified request is still active. Call it after the request is registered where the
    /// end of the session reaches it: an end between verification and registration is noticed here.
    pub async fn check_still_active(
        &self,
        verified: &VerifiedRequest<'_>,
        request_id: &str,
    ) -> Result<(), Refusal> {
        let cache = self.sessions.cache();
        if cache.is_current(verified.session, verified.generation) {
            return Ok(());
        }
        self.sessions
            .fetch(verified.session, request_id)
            .await
            .map(drop)
    }
}
