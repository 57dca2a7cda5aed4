//! A Docker engine that is not there for a while.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::StreamExt as _;
use galaxy_core::Clock;
use galaxy_drivers::{
    DockerDriver, Driver as _, DriverError, DriverEvent, Sight,
    docker::{DockerConfig, DockerTls},
};
use galaxy_service::Tasks;
use tokio::{
    io::copy_bidirectional,
    net::{UnixListener, UnixStream},
};
use tokio_util::sync::CancellationToken;

use crate::world::{run, running, until};

/// A socket before Docker's that can be cut.
struct Proxy {
    directory: tempfile::TempDir,
    open: Option<CancellationToken>,
}

impl Proxy {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut proxy = Self {
            directory,
            open: None,
        };
        proxy.mend();
        proxy
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    fn mend(&mut self) {
        let listener = UnixListener::bind(self.path()).unwrap();
        let open = CancellationToken::new();
        self.open = Some(open.clone());
        spawn(open.clone(), async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut far = UnixStream::connect("/var/run/docker.sock").await.unwrap();
                spawn(open.clone(), async move {
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
    }

    /// Ends all connections, and takes no new ones.
    fn cut(&mut self) {
        self.open.take().unwrap().cancel();
        std::fs::remove_file(self.path()).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "it ends with the test")]
fn spawn(open: CancellationToken, work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(open.run_until_cancelled_owned(work));
}

#[tokio::test]
async fn verbs_say_that_docker_is_away_and_events_say_that_it_is_back() {
    run(|world| async move {
        let mut proxy = Proxy::new();
        let mut config = world.config.clone();
        config.host = Some(format!("unix://{}", proxy.path().display()));
        let driver = world.driver_with(config).await;
        let mut spec = world.spec(&driver).await;
        let engine = running(&driver, &spec).await;
        let mut events = driver.events();
        proxy.cut();

        let game = spec.game;
        let away = |error: Option<DriverError>| {
            assert!(
                error.as_ref().is_some_and(DriverError::is_outage),
                "{error:?}"
            );
        };
        away(driver.observe(game).await.err());
        away(driver.sleep(game, 1, Duration::ZERO).await.err());
        away(driver.delete_engine(game, 1).await.err());
        away(driver.delete_state(game, 1).await.err());
        away(driver.list(None).await.err());
        away(driver.resolve(&spec.image).await.err());
        spec.epoch = 2;
        away(driver.apply(&spec).await.err());

        // The engine ends while nobody can see it.
        let name = world.name(game);
        let killed = world.docker.kill_container(&name, None).await;
        killed.unwrap();
        proxy.mend();
        let back = async { while events.next().await != Some(DriverEvent::Resync) {} };
        tokio::time::timeout(Duration::from_secs(30), back)
            .await
            .expect("a hint to list everything");
        let sight = driver.observe(game).await.unwrap();
        assert!(matches!(sight, Sight::Exited(_)), "{sight:?}");
        assert_ne!(
            running(&driver, &spec).await.container_id,
            engine.container_id
        );
    })
    .await;
}

#[tokio::test]
async fn an_end_that_an_outage_broke_off_is_begun_anew() {
    run(|world| async move {
        let mut proxy = Proxy::new();
        let mut config = world.config.clone();
        config.host = Some(format!("unix://{}", proxy.path().display()));
        let driver = world.driver_with(config).await;
        let spec = world.spec(&driver).await;
        running(&driver, &spec).await;
        let asked = driver.sleep(spec.game, 1, Duration::from_mins(5)).await;
        assert!(matches!(asked, Ok(Sight::Pending { .. })), "{asked:?}");
        proxy.cut();
        let error = until(async || driver.sleep(spec.game, 1, Duration::ZERO).await.err()).await;
        assert!(error.is_outage(), "{error:?}");
        proxy.mend();
        let ended = until(
            async || match driver.sleep(spec.game, 1, Duration::ZERO).await {
                Ok(Sight::Exited(exit)) => Some(exit),
                _ => None,
            },
        )
        .await;
        assert_eq!(ended.code, Some(137));
    })
    .await;
}

/// It would say that no game has an engine, or any state.
#[tokio::test]
async fn another_docker_at_the_same_address_is_not_believed() {
    run(|world| async move {
        let mut proxy = Proxy::new();
        let mut config = world.config.clone();
        config.host = Some(format!("unix://{}", proxy.path().display()));
        let driver = world.driver_with(config).await;
        let spec = world.spec(&driver).await;
        let engine = running(&driver, &spec).await;
        proxy.cut();
        let listener = UnixListener::bind(proxy.path()).unwrap();
        let info = r#"{"ID":"another","SystemTime":"2026-01-01T00:00:00Z"}"#;
        let router = axum::Router::new().route("/info", axum::routing::get(async move || info));
        let open = CancellationToken::new();
        spawn(open.clone(), async move {
            axum::serve(listener, router).await.unwrap();
        });
        for _ in 0..10 {
            let error = driver.observe(spec.game).await.unwrap_err();
            assert!(error.is_outage(), "{error:?}");
            assert!(driver.list(None).await.unwrap_err().is_outage());
        }
        open.cancel();
        std::fs::remove_file(proxy.path()).unwrap();
        proxy.mend();
        let sight = until(async || driver.observe(spec.game).await.ok()).await;
        assert_eq!(sight, Sight::Running(engine));
    })
    .await;
}

#[tokio::test]
async fn a_socket_that_is_not_there_is_an_outage_and_strange_settings_are_not() {
    let connect = async |host: &str, tls: Option<&Path>| {
        let mut config = DockerConfig::new("test");
        config.host = Some(host.to_owned());
        config.tls = tls.map(|file| DockerTls {
            ca: file.to_owned(),
            cert: file.to_owned(),
            key: file.to_owned(),
        });
        let driver = DockerDriver::connect(config, &Tasks::new(), Clock::system()).await;
        driver.err().unwrap()
    };
    let file = tempfile::NamedTempFile::new().unwrap();
    let outages = [
        ("unix:///nowhere/docker.sock", None),
        ("tcp://127.0.0.1:1", None),
        ("tcp://127.0.0.1:1", Some(file.path())),
    ];
    for (host, tls) in outages {
        let error = connect(host, tls).await;
        assert!(error.is_outage(), "{host}: {error:?}");
    }
    let strange = [
        ("ftp://docker", None),
        ("/var/run/docker.sock", None),
        ("tcp://127.0.0.1:1", Some(Path::new("/nowhere"))),
    ];
    for (host, tls) in strange {
        let error = connect(host, tls).await;
        assert!(
            matches!(error, DriverError::Invalid(_)),
            "{host}: {error:?}"
        );
    }
}
