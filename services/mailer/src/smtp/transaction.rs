//! One mail transaction (RFC 5321, 3.3) over an open connection, with a timeout for each step.

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

/// The step of an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Connecting, greeting, TLS and authentication: the same for every mail.
    Connect,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA` and the content.
    Content,
}

/// The server did not accept the mail, or it is unknown whether it did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct SendError {
    pub stage: Stage,
    /// The reply code, if the server replied.
    pub code: Option<u16>,
    /// The reply or the error. It may contain the recipient's address and must not be logged.
    pub reason: String,
}

impl SendError {
    /// Whether the server refused this mail and keeps the connection open: any 4xx or 5xx but 421, after which it closes.
    pub fn is_refusal(&self) -> bool {
        self.stage != Stage::Connect && self.code.is_some_and(|code| code != 421)
    }
}

/// Sends a mail over a connection without an open transaction.
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
    // A long timeout, since a server that accepts the mail and replies too late causes a duplicate (RFC 1047).
    step(Stage::Content, timeout * 4, connection.message(message)).await?;
    Ok(())
}

/// Aborts the transaction after a refusal; `false` if the connection cannot be reused.
pub(super) async fn reset(connection: &mut AsyncSmtpConnection, timeout: Duration) -> bool {
    step(Stage::Connect, timeout, connection.command(Rset))
        .await
        .is_ok()
}

/// Runs one step within `timeout`; an error names `stage`.
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
            reason: format!("no reply within {timeout:?}"),
        }),
    }
}

/// The parameters of `MAIL FROM` that the mail needs: for 8-bit content (RFC 6152) and non-ASCII addresses (RFC 6531).
fn parameters(
    connection: &AsyncSmtpConnection,
    envelope: &Envelope,
    message: &[u8],
) -> Result<Vec<MailParameter>, SendError> {
    let mut parameters = vec![];
    let supports = |extension| connection.server_info().supports_feature(extension);
    let addresses = || envelope.from().into_iter().chain(envelope.to());
    if addresses().any(|address| !address.to_string().is_ascii()) {
        if !supports(Extension::SmtpUtfEight) {
            return Err(SendError {
                stage: Stage::Recipient,
                code: Some(553),
                reason: "the SMTP server does not support non-ASCII addresses".to_owned(),
            });
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !message.is_ascii() && supports(Extension::EightBitMime) {
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    Ok(parameters)
}
