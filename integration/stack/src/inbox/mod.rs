//! The inbox: an SMTP server with programmable faults that keeps all mail, and shows it on a page and
//! through Mailpit's HTTP API.

mod api;
mod faults;
mod mail;
mod page;
mod session;
mod store;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Result, bail};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};

pub use faults::{Action, Fault, Faults, Stage};
pub use mail::{Mail, Mailbox};
pub use store::Store;

/// SMTP connections served at once; more wait.
const CONNECTIONS: usize = 256;

/// A running inbox; it ends when dropped.
#[derive(Debug)]
pub struct Inbox {
    smtp: SocketAddr,
    http: SocketAddr,
    store: Arc<Store>,
    faults: Arc<Faults>,
    _tasks: JoinSet<()>,
}

impl Inbox {
    /// Serves SMTP and HTTP on two bound listeners.
    pub fn start(smtp: TcpListener, http: TcpListener) -> Result<Self> {
        let (store, faults) = (Arc::new(Store::default()), Arc::new(Faults::default()));
        let (smtp_address, http_address) = (smtp.local_addr()?, http.local_addr()?);
        let mut tasks = JoinSet::new();
        tasks.spawn(serve_smtp(smtp, Arc::clone(&store), Arc::clone(&faults)));
        let router = api::router(Arc::clone(&store)).merge(page::router(Arc::clone(&store)));
        tasks.spawn(async move {
            // Never returns: axum retries when accepting fails.
            let _ = axum::serve(http, router).await;
        });
        Ok(Self {
            smtp: smtp_address,
            http: http_address,
            store,
            faults,
            _tasks: tasks,
        })
    }

    /// The SMTP listener.
    pub fn smtp_address(&self) -> SocketAddr {
        self.smtp
    }

    /// The listener of the page and the API.
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// The programmed faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Waits for a mail that `wanted` accepts; returns the newest one.
    pub async fn wait_for(
        &self,
        within: Duration,
        wanted: impl Fn(&Mail) -> bool,
    ) -> Result<Arc<Mail>> {
        let mut changes = self.store.changes();
        let found = async {
            loop {
                changes.mark_unchanged();
                if let Some(mail) = self.store.newest(|mail| wanted(mail)) {
                    return Some(mail);
                }
                changes.changed().await.ok()?;
            }
        };
        match tokio::time::timeout(within, found).await {
            Ok(Some(mail)) => Ok(mail),
            _ => bail!(
                "no such mail within {within:?}; {} others are here",
                self.store.count()
            ),
        }
    }
}

async fn serve_smtp(listener: TcpListener, store: Arc<Store>, faults: Arc<Faults>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    let mut sessions = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, for one: wait for a session to end.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        while sessions.try_join_next().is_some() {}
        let (store, faults) = (Arc::clone(&store), Arc::clone(&faults));
        sessions.spawn(async move {
            // A lost connection loses the mail that was being sent, as programmed faults do.
            let _ = session::serve(stream, &store, &faults).await;
            drop(permit);
        });
    }
}
