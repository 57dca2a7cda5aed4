//! One mail's conversation with the relay (RFC 5321, 3.3), each step within its time.

use std::{future::Future, time::Duration};

use lettre::{
    address::Envelope,
    transport::smtp::{
        Error,
        client::AsyncSmtpConnection,
        commands::{Data, Mail, Rcpt, Rset},
        extension::{Extension, MailBodyParameter, MailParameter},
    },
};

/// How far a conversation came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// To the relay, its greeting, TLS and signing in: the same for every mail.
    Connect,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA` and the content.
    Content,
}

/// A mail was not taken, or nobody knows whether it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    /// Where it failed.
    pub stage: Stage,
    /// The reply code, if the relay replied.
    pub code: Option<u16>,
    /// The reply or the error. May name the recipient: not for logs.
    pub reason: String,
}

impl SendError {
    /// Whether the relay refused this mail and goes on listening: any 4xx or 5xx but 421, after which it hangs up.
    pub fn is_refusal(&self) -> bool {
        self.stage != Stage::Connect && self.code.is_some_and(|code| code != 421)
    }
}

/// Sends a mail over a connection at rest.
pub(super) async fn send(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    message: &[u8],
    timeout: Duration,
) -> Result<(), SendError> {
    let parameters = parameters(connection, envelope, message)?;
    let sender = Mail::new(envelope.from().cloned(), parameters);
    step(Stage::Sender, timeout, connection.command(sender)).await?;
    for recipient in envelope.to() {
        let recipient = Rcpt::new(recipient.clone(), vec![]);
        step(Stage::Recipient, timeout, connection.command(recipient)).await?;
    }
    step(Stage::Content, timeout, connection.command(Data)).await?;
    // Generous, since a relay that takes the mail and answers late makes a duplicate (RFC 1047).
    step(Stage::Content, timeout * 4, connection.message(message)).await?;
    Ok(())
}

/// Brings a connection back to rest after a refusal; `false` if it cannot be used again.
pub(super) async fn reset(connection: &mut AsyncSmtpConnection, timeout: Duration) -> bool {
    step(Stage::Connect, timeout, connection.command(Rset))
        .await
        .is_ok()
}

/// Runs one step and says where it failed.
pub(super) async fn step<T>(
    stage: Stage,
    timeout: Duration,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, SendError> {
    match tokio::time::timeout(timeout, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(SendError {
            stage,
            code: error.status().map(u16::from),
            reason: error.to_string(),
        }),
        Err(_) => Err(SendError {
            stage,
            code: None,
            reason: format!("no answer within {timeout:?}"),
        }),
    }
}

/// What the relay must be told beforehand: 8-bit content (RFC 6152) and addresses beyond ASCII (RFC 6531).
fn parameters(
    connection: &AsyncSmtpConnection,
    envelope: &Envelope,
    message: &[u8],
) -> Result<Vec<MailParameter>, SendError> {
    let mut parameters = vec![];
    let offers = |extension| connection.server_info().supports_feature(extension);
    let addresses = || envelope.from().into_iter().chain(envelope.to());
    if addresses().any(|address| !address.to_string().is_ascii()) {
        if !offers(Extension::SmtpUtfEight) {
            return Err(SendError {
                stage: Stage::Recipient,
                code: Some(553),
                reason: "the relay does not take addresses beyond ASCII".to_owned(),
            });
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !message.is_ascii() && offers(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}
