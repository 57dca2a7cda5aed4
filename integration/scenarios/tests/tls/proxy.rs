//! Ends TLS in front of a server that has none of its own here, as a terminator in front of it does.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
};

use anyhow::{Context, Result};
use galaxy_scenarios::Authority;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// What a client says before TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Tls,
    /// Postgres' `SSLRequest`, which is answered with `S`.
    Postgres,
}

/// A listening terminator. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Proxy {
    pub address: SocketAddr,
    target: Arc<OnceLock<String>>,
}

impl Proxy {
    /// Listens, as the server `name` of `authority`.
    pub async fn start(authority: &Authority, name: &str, before: Before) -> Result<Self> {
        let certificate = CertificateDer::from_pem_file(authority.certificate(name))?;
        let key = PrivateKeyDer::from_pem_file(authority.key(name))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let proxy = Self {
            address: listener.local_addr()?,
            target: Arc::default(),
        };
        let tls = TlsAcceptor::from(Arc::new(tls));
        #[expect(clippy::disallowed_methods, reason = "lives as long as the test")]
        tokio::spawn(proxy.clone().accept(listener, tls, before));
        Ok(proxy)
    }

    /// Says where connections lead, as `host:port`. Once, before the first one.
    pub fn lead_to(&self, target: &str) {
        let _ = self.target.set(target.to_owned());
    }

    #[expect(clippy::disallowed_methods, reason = "lives as long as the test")]
    async fn accept(self, listener: TcpListener, tls: TlsAcceptor, before: Before) {
        while let Ok((stream, _)) = listener.accept().await {
            let (proxy, tls) = (self.clone(), tls.clone());
            tokio::spawn(async move { proxy.serve(stream, tls, before).await });
        }
    }

    async fn serve(&self, mut client: TcpStream, tls: TlsAcceptor, before: Before) -> Result<()> {
        if before == Before::Postgres {
            // Length and code of `SSLRequest`; a client that wants no TLS says something else and is let go.
            let mut request = [0; 8];
            client.read_exact(&mut request).await?;
            anyhow::ensure!(request[4..] == 80_877_103_u32.to_be_bytes(), "no TLS");
            client.write_all(b"S").await?;
        }
        let mut client = tls.accept(client).await?;
        let target = self.target.get().context("it leads nowhere yet")?;
        let mut server = TcpStream::connect(target).await?;
        copy_bidirectional(&mut client, &mut server).await?;
        Ok(())
    }
}
