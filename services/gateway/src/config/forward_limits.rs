//! Bounds of requests that are forwarded to `api`.
//!
//! What `api` accepts, the gateway lets through: sizes are those of `api`, and timeouts are a little longer, so that the
//! answer of `api` arrives before the gateway gives up. The defaults agree with the defaults of `api`: a change of
//! one side needs the same change of the other.

use std::time::Duration;

use galaxy_service::{Section, Vars, config::ByteSize};

use crate::routes::Class;

/// Bytes of a payload beside the body: path, query and member names. `api` takes as many bytes of a request's head.
const ENVELOPE: usize = 16 << 10;
/// The largest payload of a subscription, in bytes. It has no body.
const SUBSCRIBE_PAYLOAD: usize = 1 << 10;

/// Bounds of requests and answers.
#[derive(Debug, Clone, Copy)]
pub struct ForwardLimits {
    /// The largest body, in bytes.
    pub body: usize,
    /// The largest body of operations that `api` forwards to an engine, in bytes.
    pub engine_body: usize,
    /// Time for `api` to answer.
    pub timeout: Duration,
    /// Time for `api` to answer operations that it forwards to an engine.
    pub engine_timeout: Duration,
    /// The largest answer of `api`, in bytes.
    pub answer: usize,
}

impl ForwardLimits {
    /// The largest payload of a signed request, in bytes.
    pub fn payload(&self, class: Class) -> usize {
        match class {
            Class::Read | Class::Write => self.body.saturating_add(ENVELOPE),
            Class::Engine => self.engine_body.saturating_add(ENVELOPE),
            Class::Subscribe => SUBSCRIBE_PAYLOAD,
        }
    }

    /// The largest payload of any signed request, in bytes.
    pub fn largest_payload(&self) -> usize {
        self.payload(Class::Write).max(self.payload(Class::Engine))
    }

    /// Time for the answer to a request.
    pub fn timeout(&self, class: Class) -> Duration {
        match class {
            Class::Engine => self.engine_timeout,
            _ => self.timeout,
        }
    }
}

impl Section for ForwardLimits {
    fn read(vars: &mut Vars) -> Option<Self> {
        let body = vars.or::<ByteSize>(
            "GATEWAY_HTTP_BODY_LIMIT",
            "64KiB",
            "Largest request body; the BACKEND_HTTP_BODY_LIMIT of api",
        );
        let engine_body = vars.or::<ByteSize>(
            "GATEWAY_ENGINE_BODY_LIMIT",
            "1MiB",
            "Largest body of commands and orders; the BACKEND_ENGINE_BODY_LIMIT of api",
        );
        let timeout = vars.or(
            "GATEWAY_HTTP_TIMEOUT",
            "17s",
            "How long api may take to answer; its BACKEND_HTTP_TIMEOUT and 2s more",
        );
        let engine_timeout = vars.or(
            "GATEWAY_ENGINE_TIMEOUT",
            "32s",
            "How long api may take if it asks an engine; its BACKEND_ENGINE_TIMEOUT and 2s more",
        );
        let answer = vars.or::<ByteSize>(
            "GATEWAY_ANSWER_LIMIT",
            "4032KiB",
            "Largest answer of api that is passed on; gRPC clients take 4 MiB unless they are told otherwise",
        );
        Some(Self {
            body: body?.0,
            engine_body: engine_body?.0,
            timeout: timeout?,
            engine_timeout: engine_timeout?,
            answer: answer?.0,
        })
    }
}
