//! A pool of SMTP connections: opened when needed, reused for the next mail, closed when their state is unknown.
//!
//! It replaces lettre's pool, which reuses a connection after a timeout: the server's late reply to one mail would be taken
//! for its reply to the next one.

mod transaction;

use std::time::Duration;

use lettre::{
    address::Envelope,
    transport::smtp::{
        authentication::DEFAULT_MECHANISMS,
        client::{AsyncSmtpConnection, TlsParameters},
        commands::Noop,
        extension::ClientId,
    },
};
use parking_lot::Mutex;
use tokio::time::Instant;

pub use self::transaction::{SendError, Stage};
use crate::target::{Security, SmtpServer};

/// A connection that was idle for longer is not reused.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// Connections to one SMTP server.
pub struct SmtpPool {
    server: SmtpServer,
    timeout: Duration,
    idle: Mutex<Vec<(Instant, AsyncSmtpConnection)>>,
}

impl SmtpPool {
    /// Without connections. `timeout` is for each step of a transaction.
    pub fn new(server: SmtpServer, timeout: Duration) -> Self {
        Self {
            server,
            timeout,
            idle: Mutex::default(),
        }
    }

    /// Sends one message. `Ok` means that the server accepted responsibility for it.
    pub async fn send(&self, envelope: &Envelope, message: &[u8]) -> Result<(), SendError> {
        let mut connection = self.connection().await?;
        let sent = transaction::send(&mut connection, envelope, message, self.timeout).await;
        let is_reusable = match &sent {
            Ok(()) => true,
            // After any other error than a refusal the state of the connection is unknown.
            Err(error) if error.is_refusal() => {
                transaction::reset(&mut connection, self.timeout).await
            }
            Err(_) => false,
        };
        if is_reusable {
            self.idle.lock().push((Instant::now(), connection));
        }
        sent
    }

    /// An idle connection that still responds, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, SendError> {
        while let Some(mut connection) = self.take_idle() {
            let alive = transaction::step(Stage::Connect, self.timeout, connection.command(Noop));
            if alive.await.is_ok() {
                return Ok(connection);
            }
        }
        self.connect().await
    }

    fn take_idle(&self) -> Option<AsyncSmtpConnection> {
        let mut idle = self.idle.lock();
        idle.retain(|(since, _)| since.elapsed() < MAX_IDLE);
        idle.pop().map(|(_, connection)| connection)
    }

    fn tls(&self) -> Result<TlsParameters, lettre::transport::smtp::Error> {
        let parameters = TlsParameters::builder(self.server.host.clone());
        match &self.server.authorities {
            Some(authorities) => parameters.add_root_certificate(authorities.clone()),
            None => parameters,
        }
        .build()
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, SendError> {
        let connecting = async {
            let host = self.server.host.clone();
            let parameters = match self.server.security {
                Security::Plain => None,
                Security::StartTls | Security::Tls => Some(self.tls()?),
            };
            let (implicit, upgrade) = match self.server.security {
                Security::StartTls => (None, parameters),
                Security::Plain | Security::Tls => (parameters, None),
            };
            let hello = ClientId::default();
            let mut connection = AsyncSmtpConnection::connect_tokio1(
                (host.as_str(), self.server.port),
                Some(self.timeout),
                &hello,
                implicit,
                None,
            )
            .await?;
            if let Some(parameters) = upgrade {
                connection.starttls(parameters, &hello).await?;
            }
            if let Some(credentials) = &self.server.credentials {
                connection.auth(DEFAULT_MECHANISMS, credentials).await?;
            }
            Ok(connection)
        };
        transaction::step(Stage::Connect, self.timeout * 2, connecting).await
    }
}
