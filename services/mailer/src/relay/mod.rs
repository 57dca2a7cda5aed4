//! SMTP connections to the relay: made when needed, kept for the next mail, closed on any doubt.
//!
//! The pool is our own since a conversation that is cut short by a timeout must never be used again: the relay's late
//! answer would be taken for the answer to the next mail.

mod conversation;
mod target;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use lettre::{
    address::Envelope,
    transport::smtp::{
        authentication::DEFAULT_MECHANISMS,
        client::{AsyncSmtpConnection, TlsParameters},
        commands::Noop,
        extension::ClientId,
    },
};
use tokio::time::Instant;

pub use conversation::{SendError, Stage};
pub use target::{Security, Target};

/// A connection that has waited longer than this is not used again.
const IDLE: Duration = Duration::from_secs(30);

/// The relay and the connections to it that wait for their next mail.
pub struct Relay {
    target: Target,
    timeout: Duration,
    idle: Mutex<Vec<(Instant, AsyncSmtpConnection)>>,
}

impl Relay {
    /// Not connected yet; each step of a conversation may take `timeout`.
    pub fn new(target: Target, timeout: Duration) -> Self {
        Self {
            target,
            timeout,
            idle: Mutex::default(),
        }
    }

    /// Sends one message to one recipient. When it returns without error, the relay has taken the mail over.
    pub async fn send(&self, envelope: &Envelope, message: &[u8]) -> Result<(), SendError> {
        let mut connection = self.connection().await?;
        let sent = conversation::send(&mut connection, envelope, message, self.timeout).await;
        let is_clean = match &sent {
            Ok(()) => true,
            // After a refusal the conversation can go on; after anything else nobody knows where it stands.
            Err(error) if error.is_refusal() => {
                conversation::reset(&mut connection, self.timeout).await
            }
            Err(_) => false,
        };
        if is_clean {
            self.lock().push((Instant::now(), connection));
        }
        sent
    }

    /// A connection that waits and still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, SendError> {
        while let Some(mut connection) = self.take_idle() {
            let alive = conversation::step(Stage::Connect, self.timeout, connection.command(Noop));
            if alive.await.is_ok() {
                return Ok(connection);
            }
        }
        self.connect().await
    }

    fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.lock();
        idle.retain(|(since, _)| since.elapsed() < IDLE);
        idle.pop().map(|(_, connection)| connection)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let connecting = async {
            let host = self.target.host.clone();
            let parameters = match self.target.security {
                Security::Plain => None,
                Security::StartTls | Security::Tls => Some(TlsParameters::new(host.clone())?),
            };
            let (implicit, upgrade) = match self.target.security {
                Security::StartTls => (None, parameters),
                Security::Plain | Security::Tls => (parameters, None),
            };
            let hello = ClientId::default();
            let mut connection = AsyncSmtpConnection::connect_tokio1(
                (host.as_str(), self.target.port),
                Some(self.timeout),
                &hello,
                implicit,
                None,
            )
            .await?;
            if let Some(parameters) = upgrade {
                connection.starttls(parameters, &hello).await?;
            }
            if let Some(credentials) = &self.target.credentials {
                connection.auth(DEFAULT_MECHANISMS, credentials).await?;
            }
            Ok(connection)
        };
        conversation::step(Stage::Connect, self.timeout * 2, connecting).await
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, AsyncSmtpConnection)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
