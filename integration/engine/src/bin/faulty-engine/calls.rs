//! Which calls go wrong, and how.

use std::{
    collections::HashMap,
    future::pending,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Body,
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};

use crate::{
    answers,
    faults::{Call, Fault, Rule, Source},
    harm,
};

/// The rules, and how often each of them has applied.
#[derive(Debug)]
pub struct Calls {
    source: Source,
    applied: Mutex<HashMap<String, u32>>,
}

impl Calls {
    pub fn new(source: Source) -> Self {
        Self {
            source,
            applied: Mutex::default(),
        }
    }

    /// The fault of this call.
    fn fault_of(&self, call: Call) -> Fault {
        let rules = self.source.read().calls;
        let mut applied = self.applied.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<String> = rules.iter().map(name).collect();
        applied.retain(|name, _| names.contains(name));
        for (rule, name) in rules.into_iter().zip(names) {
            let count = applied.entry(name).or_default();
            let matches = rule.on == Call::Any || rule.on == call;
            if matches && rule.times.is_none_or(|times| *count < times) {
                *count += 1;
                return rule.fault;
            }
        }
        Fault::None
    }
}

/// A rule that is written the same way in a new file is the same rule.
fn name(rule: &Rule) -> String {
    serde_json::to_string(rule).unwrap_or_default()
}

/// Around every call.
pub async fn misbehave(State(calls): State<Arc<Calls>>, request: Request, next: Next) -> Response {
    let call = Call::of(request.uri().path());
    let fault = calls.fault_of(call);
    if !matches!(fault, Fault::None) {
        tracing::info!(?call, ?fault, "a call goes wrong");
    }
    match act(fault, request, next).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a fault failed");
            std::process::exit(70)
        }
    }
}

async fn act(fault: Fault, request: Request, next: Next) -> io::Result<Response> {
    match fault {
        Fault::None => {}
        Fault::Hang => return pending().await,
        Fault::Answer(answer) => return answers::given(&answer),
        Fault::LargeBytes(bytes) => return answers::large(bytes),
        Fault::Cut => return answers::cut(),
        Fault::Exit(code) => std::process::exit(code),
        Fault::DelayMs(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
        Fault::LogBytes(bytes) => harm::fill_log(bytes)?,
        Fault::MemoryBytes(bytes) => harm::take_memory(bytes),
        Fault::Children(count) => harm::start_children(count)?,
        Fault::AnswerAfter(answer) => {
            next.run(request).await;
            return answers::given(&answer);
        }
        Fault::CutAfter => {
            next.run(request).await;
            return answers::cut();
        }
        Fault::ExitAfter(code) => {
            next.run(request).await;
            std::process::exit(code)
        }
        Fault::Generating | Fault::TurnFailed(_) => {
            return answers::promised(fault, as_status(request), next).await;
        }
        Fault::Merge(_) | Fault::Noise | Fault::TurnsAhead(_) | Fault::Roster(_) => {
            return answers::edited(&fault, next.run(request).await).await;
        }
    }
    Ok(next.run(request).await)
}

/// The call for the status, with the headers of this one. Whether it was one is in the second part.
fn as_status(mut request: Request) -> (Request, bool) {
    let asks = request.method() == Method::GET;
    *request.method_mut() = Method::GET;
    *request.uri_mut() = axum::http::Uri::from_static("/api/v1/admin/status");
    *request.body_mut() = Body::empty();
    (request, asks)
}
