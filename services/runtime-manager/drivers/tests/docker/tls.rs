//! Docker over TCP with certificates of both sides, as `docker --tlsverify` has it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use galaxy_core::Clock;
use galaxy_drivers::{
    DockerDriver, Driver as _, DriverError, Sight,
    docker::{DockerConfig, DockerTls},
};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, UnixStream},
};
use tokio_rustls::TlsAcceptor;

use crate::world::{World, run, running};

/// An authority with a certificate for a daemon and one for a client, made by the command `openssl`.
struct Authority {
    directory: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = Self { directory };
        authority.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=authority \
             -keyout ca-key.pem -out ca.pem",
        );
        authority.sign("server", "subjectAltName=IP:127.0.0.1");
        authority.sign("client", "extendedKeyUsage=clientAuth");
        authority
    }

    fn sign(&self, name: &str, extension: &str) {
        std::fs::write(self.path("extension"), extension).unwrap();
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} \
             -keyout {name}-key.pem -out {name}.csr"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 1 \
             -extfile extension -out {name}.pem"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let made = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.directory.path())
            .output()
            .expect("the command openssl makes the certificates of this test: install it");
        let error = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{arguments}: {error}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A daemon's settings: its own certificate, and clients of this authority alone.
    fn server(&self) -> ServerConfig {
        let mut clients = RootCertStore::empty();
        clients.add(certificate(&self.path("ca.pem"))).unwrap();
        let verifier = WebPkiClientVerifier::builder(clients.into());
        let key = PrivateKeyDer::from_pem_file(self.path("server-key.pem")).unwrap();
        ServerConfig::builder()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(vec![certificate(&self.path("server.pem"))], key)
            .unwrap()
    }
}

fn certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

/// A daemon's TLS listener before the socket of this machine's Docker.
struct Daemon {
    host: String,
    admitted: Arc<AtomicUsize>,
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test")]
async fn listen(config: ServerConfig) -> Daemon {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("tcp://{}", listener.local_addr().unwrap());
    let (acceptor, admitted) = (TlsAcceptor::from(Arc::new(config)), Arc::default());
    let counted: Arc<AtomicUsize> = Arc::clone(&admitted);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let (acceptor, counted) = (acceptor.clone(), counted.clone());
            tokio::spawn(async move {
                let Ok(mut near) = acceptor.accept(near).await else {
                    return;
                };
                counted.fetch_add(1, Ordering::Relaxed);
                let mut far = UnixStream::connect("/var/run/docker.sock").await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    Daemon { host, admitted }
}

impl Daemon {
    /// A driver that trusts `trusted`, and shows a certificate of `shown`.
    async fn driver(
        &self,
        world: &World,
        trusted: &Authority,
        shown: &Authority,
    ) -> Result<DockerDriver, DriverError> {
        let config = DockerConfig {
            host: Some(self.host.clone()),
            tls: Some(DockerTls {
                ca: trusted.path("ca.pem"),
                cert: shown.path("client.pem"),
                key: shown.path("client-key.pem"),
            }),
            ..world.config.clone()
        };
        DockerDriver::connect(config, &world.tasks, Clock::system()).await
    }
}

#[tokio::test]
async fn engines_run_over_tls_and_certificates_of_another_authority_are_refused() {
    run(|world| async move {
        let (authority, other) = (Authority::new(), Authority::new());
        let daemon = listen(authority.server()).await;

        let driver = daemon.driver(&world, &other, &authority).await;
        let error = driver.err().expect("the daemon is somebody else");
        assert!(error.to_string().contains("certificate"), "{error}");
        let driver = daemon.driver(&world, &authority, &other).await;
        let error = driver.err().expect("the client is somebody else");
        assert!(error.to_string().contains("alert"), "{error}");
        assert_eq!(daemon.admitted.load(Ordering::Relaxed), 0);

        let driver = daemon.driver(&world, &authority, &authority).await.unwrap();
        let spec = world.spec(&driver).await;
        let engine = running(&driver, &spec).await;
        let sight = driver.observe(spec.game).await.unwrap();
        assert_eq!(sight, Sight::Running(engine));
        assert!(daemon.admitted.load(Ordering::Relaxed) > 0);
        driver.delete_engine(spec.game, 1).await.unwrap();
    })
    .await;
}
