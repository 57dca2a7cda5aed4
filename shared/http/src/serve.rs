//! Serves a router on a bound listener until the process drains. HTTP/1.1 and HTTP/2, bounded header blocks.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::{Router, extract::ConnectInfo};
use galaxy_service::{
    Tasks,
    tls::{Authorities, Identity},
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{either::Either, sync::CancellationToken};

/// A listener that holds its port.
pub struct Bound {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    /// The address it listens on, with the actual port if port 0 was requested.
    pub address: SocketAddr,
}

impl Bound {
    /// Binds `address`; the error names the variable to change.
    pub async fn bind(variable: &str, address: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!(
                "cannot listen on {address}; is the port taken? Set {variable} to another address"
            )
        })?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            tls: None,
            address,
        })
    }

    /// Serves with TLS, as `identity`. With `clients`, a client must show a certificate of these authorities.
    pub fn with_tls(
        self,
        identity: &Identity,
        clients: Option<&Authorities>,
    ) -> anyhow::Result<Self> {
        let tls = server_tls(identity, clients)?;
        Ok(Self {
            tls: Some(TlsAcceptor::from(Arc::new(tls))),
            ..self
        })
    }

    /// The bare listener, for servers with a loop of their own.
    pub fn into_inner(self) -> TcpListener {
        self.listener
    }
}

/// Bounds of one connection.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest header block in bytes; larger ones are refused with 431.
    pub header_bytes: usize,
    /// How long a client may take to send a request's head.
    pub header_timeout: Duration,
    /// Connections served at once; further ones wait in the kernel's queue.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_bytes: 16 * 1024,
            header_timeout: Duration::from_secs(15),
            connections: 10_000,
        }
    }
}

/// Serves `router` as a task: stops accepting when the process drains, then lets requests in flight finish.
pub fn spawn(tasks: &Tasks, name: &'static str, bound: Bound, router: Router, limits: &Limits) {
    let (draining, limits) = (tasks.draining(), limits.clone());
    tracing::info!(listener = name, address = %bound.address, "listening");
    let connections = tasks.clone();
    tasks.spawn(name, async move {
        accept(&connections, name, bound, router, &limits, draining).await;
    });
}

async fn accept(
    tasks: &Tasks,
    name: &'static str,
    bound: Bound,
    router: Router,
    limits: &Limits,
    draining: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let server = builder(limits);
    let slots = Arc::new(tokio::sync::Semaphore::new(limits.connections));
    loop {
        let accepted = async {
            let slot = slots.clone().acquire_owned().await;
            (slot, next(&bound.listener).await)
        };
        let Some((slot, (stream, peer))) = draining.run_until_cancelled(accepted).await else {
            break;
        };
        let service = router.clone().layer(axum::Extension(ConnectInfo(peer)));
        let (server, tls, watcher) = (server.clone(), bound.tls.clone(), graceful.watcher());
        let handshake_timeout = limits.header_timeout;
        tasks.spawn(name, async move {
            let stream = match tls {
                None => Either::Left(stream),
                Some(tls) => match timeout(handshake_timeout, tls.accept(stream)).await {
                    Ok(Ok(stream)) => Either::Right(stream),
                    Ok(Err(error)) => return tracing::debug!(%error, %peer, "no TLS connection"),
                    Err(_) => return,
                },
            };
            let service = TowerToHyperService::new(service);
            let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service);
            if let Err(error) = watcher.watch(connection).await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(slot);
        });
    }
    drop(bound);
    graceful.shutdown().await;
}

/// The next connection. Errors such as a full table of file descriptors pass; accepting continues after a pause.
async fn next(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn server_tls(identity: &Identity, clients: Option<&Authorities>) -> anyhow::Result<ServerConfig> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(&identity.certificate).collect();
    let key = PrivateKeyDer::from_pem_slice(&identity.key)?;
    let builder = match clients {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(authorities) => {
            let mut roots = RootCertStore::empty();
            for authority in CertificateDer::pem_slice_iter(&authorities.pem) {
                roots.add(authority?)?;
            }
            let verifier = WebPkiClientVerifier::builder(roots.into()).build()?;
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    let tls = builder.with_single_cert(certificates?, key);
    let mut tls = tls.context("the certificate and its key cannot be used")?;
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(tls)
}

fn builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.header_bytes.max(8 * 1024))
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(30))
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
    builder
}
