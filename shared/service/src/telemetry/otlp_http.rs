//! The HTTP client of the OTLP exporters. They call it from threads of their own, so it works on the process's runtime.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use opentelemetry_http::{HttpClient, HttpError};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::runtime::Handle;

/// How long one export may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// Bytes of a collector's answer, which is empty or a short message.
const LARGEST_ANSWER: usize = 1 << 20;

/// The certificates of the collector's authority cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read.
    #[error("the certificate file cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// It holds something else.
    #[error("the certificate file is not one of PEM certificates: {0}")]
    NotPem(rustls::pki_types::pem::Error),
    /// A certificate in it is refused.
    #[error("a certificate is refused: {0}")]
    Refused(#[from] rustls::Error),
}

/// A client for `http` and `https`.
#[derive(Debug, Clone)]
pub(super) struct OtlpHttp {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    runtime: Handle,
}

impl OtlpHttp {
    /// A client that trusts the system's authorities and those in the PEM file at `authorities`. Call it on the runtime.
    pub(super) fn new(authorities: Option<&Path>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = authorities {
            let pem = std::fs::read(path).map_err(TlsError::Unreadable)?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                roots.add(certificate.map_err(TlsError::NotPem)?)?;
            }
        }
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .build();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            runtime: Handle::current(),
        })
    }
}

#[async_trait::async_trait]
impl HttpClient for OtlpHttp {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let exchange = async move {
            let answer = client.request(request.map(Full::new)).await?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, LARGEST_ANSWER).collect().await?;
            Ok::<_, HttpError>(Response::from_parts(head, body.to_bytes()))
        };
        // Timers, too, are made on the runtime.
        let bounded = async { tokio::time::timeout(DEADLINE, exchange).await };
        self.runtime.spawn(bounded).await??
    }
}
