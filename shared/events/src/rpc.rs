//! Questions from process to process over core NATS: asked once, answered by one of those who can, or not at all.
//!
//! Nothing is stored. A question goes to a named place (a node that runs engines), whose processes share its answers. Both
//! sides are bounded: questions in size, answers in size and number at a time, the wait by a deadline.

use std::{fmt::Write as _, time::Duration};

use async_nats::{Message, client::RequestErrorKind};
use bytes::Bytes;
use futures_util::StreamExt as _;
use galaxy_core::GameId;
use galaxy_service::Process;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Nats;

/// The largest question, in bytes.
const MAX_QUESTION: usize = 4 << 10;
/// The largest answer, in bytes: below the megabyte that a NATS server takes.
const MAX_ANSWER: usize = 900 << 10;
/// How long a process waits for the server to know that it answers.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);
/// Questions of one kind that a process answers at a time.
const AT_ONCE: usize = 4;

/// A question with its answer.
pub trait Question: Serialize + DeserializeOwned + Send + 'static {
    /// The subject up to the place: `galaxy.rpc.<domain>.<what>`.
    const SUBJECT: &'static str;
    /// What is answered.
    type Answer: Serialize + DeserializeOwned + Send;
}

/// The last lines of a game's engine, asked of a node that runs engines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeLogs {
    /// The game.
    pub game_id: GameId,
    /// Lines at most.
    pub tail: u32,
    /// Of the engine before the present one.
    pub previous: bool,
}

impl Question for RuntimeLogs {
    const SUBJECT: &'static str = "galaxy.rpc.runtime.logs";
    /// Printable.
    type Answer = String;
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// No process of the place is connected.
    #[error("nobody answers there")]
    Nobody,
    /// The deadline passed.
    #[error("there was no answer in time")]
    Timeout,
    /// The place answered that it cannot, in its own words.
    #[error("{0}")]
    Refused(String),
    /// The question is too large, or the answer cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The broker is not reached.
    #[error("the broker: {0}")]
    Broker(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply<T> {
    Answer(T),
    Refusal(String),
}

impl Nats {
    /// Asks the processes of `place`; one of them answers within `deadline`.
    pub async fn ask<Q: Question>(
        &self,
        place: &str,
        question: &Q,
        deadline: Duration,
    ) -> Result<Q::Answer, AskError> {
        let unreadable = |error: serde_json::Error| AskError::Unreadable(error.to_string());
        let question = serde_json::to_vec(question).map_err(unreadable)?;
        if question.len() > MAX_QUESTION {
            return Err(AskError::Unreadable("the question is too large".to_owned()));
        }
        let request = async_nats::Request::new()
            .payload(question.into())
            .timeout(Some(deadline));
        let sent = self.client().send_request(subject::<Q>(place), request);
        let reply = match tokio::time::timeout(deadline, sent).await {
            Err(_) => return Err(AskError::Timeout),
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => {
                return Err(match error.kind() {
                    RequestErrorKind::NoResponders => AskError::Nobody,
                    RequestErrorKind::TimedOut => AskError::Timeout,
                    _ => AskError::Broker(error.to_string()),
                });
            }
        };
        match serde_json::from_slice(&reply.payload).map_err(unreadable)? {
            Reply::Answer(answer) => Ok(answer),
            Reply::Refusal(why) => Err(AskError::Refused(why)),
        }
    }

    /// Answers questions to `place` by `answer` until the process drains. An `Err` is told to who asked. Questions that
    /// cannot be read are refused.
    pub async fn answer<Q, F, A>(
        &self,
        process: &Process,
        place: &str,
        answer: F,
    ) -> anyhow::Result<()>
    where
        Q: Question,
        F: Fn(Q) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Q::Answer, String>> + Send,
    {
        let group = "galaxy".to_owned();
        let questions = self
            .client()
            .queue_subscribe(subject::<Q>(place), group)
            .await?;
        // The server, if it is there, knows of it before a question can come.
        let known = self.client().flush();
        if let Ok(known) = tokio::time::timeout(FLUSH_TIMEOUT, known).await {
            known?;
        }
        let (nats, draining) = (self.clone(), process.tasks.draining());
        process.tasks.spawn("answers", async move {
            let answered = questions
                .take_until(draining.cancelled_owned())
                .for_each_concurrent(AT_ONCE, |question| {
                    reply::<Q, _, _>(&nats, question, &answer)
                });
            answered.await;
        });
        Ok(())
    }
}

async fn reply<Q, F, A>(nats: &Nats, question: Message, answer: &F)
where
    Q: Question,
    F: Fn(Q) -> A,
    A: Future<Output = Result<Q::Answer, String>>,
{
    let Some(inbox) = question.reply else {
        return;
    };
    let reply = match read(&question.payload) {
        Ok(question) => answer(question).await,
        Err(why) => Err(why),
    };
    let sent = nats.client().publish(inbox, encode(reply)).await;
    if let Err(error) = sent {
        tracing::warn!(%error, "an answer cannot be sent");
    }
}

fn read<Q: Question>(payload: &[u8]) -> Result<Q, String> {
    if payload.len() > MAX_QUESTION {
        return Err("the question is too large".to_owned());
    }
    serde_json::from_slice(payload).map_err(|error| format!("the question cannot be read: {error}"))
}

/// The reply as it is sent; one that is too large becomes a refusal.
fn encode<T: Serialize>(answer: Result<T, String>) -> Bytes {
    let reply = match answer {
        Ok(answer) => Reply::Answer(answer),
        Err(why) => Reply::Refusal(why),
    };
    match serde_json::to_vec(&reply) {
        Ok(reply) if reply.len() <= MAX_ANSWER => reply.into(),
        _ => Bytes::from_static(br#"{"refusal":"the answer is too large"}"#),
    }
}

/// The subject of a place. Places have names of any characters, subjects do not.
fn subject<Q: Question>(place: &str) -> String {
    let mut subject = format!("{}.", Q::SUBJECT);
    for byte in place.bytes() {
        let _ = write!(subject, "{byte:02x}");
    }
    subject
}
