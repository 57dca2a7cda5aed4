//! What an engine may do, seen from inside its container.

use std::collections::{BTreeMap, BTreeSet};

use bollard::models::{ContainerCreateBody, HostConfig, NetworkCreateRequest};
use galaxy_drivers::{Driver as _, DriverError, Exit, Sight};

use crate::world::{ask, run, running, settled, until};

#[tokio::test]
async fn an_engine_is_nobody_and_writes_nothing_but_its_state() {
    run(|world| async move {
        let driver = world.driver().await;
        let engine = running(&driver, &world.spec(&driver).await).await;
        let status = ask(&engine, "/read?/proc/self/status").await.unwrap();
        let status: BTreeMap<_, _> = status
            .lines()
            .filter_map(|line| line.split_once(":\t"))
            .collect();
        assert_eq!(status["Uid"], "65532\t65532\t65532\t65532");
        assert_eq!(status["Gid"], "65532\t65532\t65532\t65532");
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status[set], "0000000000000000", "{set}");
        }
        assert_eq!(status["NoNewPrivs"], "1");
        assert_eq!(status["Seccomp"], "2", "a filter");

        let write = async |path: &str| ask(&engine, &format!("/write?{path}")).await.unwrap();
        assert_eq!(write("/var/lib/galaxy/game").await, "ok");
        for path in [
            "/file",
            "/engine",
            "/var/lib/file",
            "/etc/hosts",
            "/proc/sys/kernel/hostname",
        ] {
            assert_ne!(write(path).await, "ok", "{path}");
        }
        assert_eq!(
            ask(&engine, "/read?/file").await.unwrap(),
            "No such file or directory (os error 2)"
        );
        let socket = ask(&engine, "/read?/var/run/docker.sock").await.unwrap();
        assert_eq!(socket, "No such file or directory (os error 2)");
    })
    .await;
}

#[tokio::test]
async fn an_engine_is_given_its_own_variables_and_nothing_of_the_managers() {
    run(|world| async move {
        let driver = world.driver().await;
        let mut spec = world.spec(&driver).await;
        spec.epoch = 7;
        spec.environment = vec![("MODE".to_owned(), "a = b".to_owned())];
        let engine = running(&driver, &spec).await;
        let seen = ask(&engine, "/env").await.unwrap();
        let seen: BTreeSet<_> = seen.lines().map(str::to_owned).collect();
        let game = format!("ENGINE_GAME_ID={}", spec.game);
        let expected = [
            "ENGINE_EPOCH=7",
            &game,
            "ENGINE_LISTEN_ADDR=0.0.0.0:8080",
            "ENGINE_STATE_DIR=/var/lib/galaxy",
            "ENGINE_TOKEN=a token",
            "HOME=/",
            "HOSTNAME=engine",
            "MODE=a = b",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        ];
        assert_eq!(seen, expected.map(str::to_owned).into());

        spec.epoch = 8;
        spec.environment = vec![("ENGINE_TOKEN".to_owned(), "another".to_owned())];
        let refused = driver.apply(&spec).await;
        assert!(
            matches!(refused, Err(DriverError::Invalid(_))),
            "{refused:?}"
        );
    })
    .await;
}

/// A listener on another network of the same Docker stands for Postgres and NATS.
#[tokio::test]
async fn an_engine_reaches_no_other_network() {
    run(|world| async move {
        let driver = world.driver().await;
        let engine = running(&driver, &world.spec(&driver).await).await;
        let other = format!("{}-other", world.config.network);
        let request = NetworkCreateRequest {
            name: other.clone(),
            ..Default::default()
        };
        world.docker.create_network(request).await.unwrap();
        let body = ContainerCreateBody {
            image: Some(world.image.clone()),
            env: Some(vec!["ENGINE_LISTEN_ADDR=0.0.0.0:5432".to_owned()]),
            host_config: Some(HostConfig {
                network_mode: Some(other.clone()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let database = world.docker.create_container(None, body).await.unwrap().id;
        world.docker.start_container(&database, None).await.unwrap();
        let seen = world.docker.inspect_container(&database, None).await;
        let networks = seen.unwrap().network_settings.unwrap().networks.unwrap();
        let address = format!("{}:5432", networks[&other].ip_address.clone().unwrap());
        let answers = async || tokio::net::TcpStream::connect(&address).await.ok();
        until(answers).await;
        let reached = ask(&engine, &format!("/connect?{address}")).await.unwrap();
        let outside = ask(&engine, "/connect?192.0.2.1:80").await.unwrap();

        let options = bollard::query_parameters::RemoveContainerOptionsBuilder::default()
            .force(true)
            .build();
        let removed = world
            .docker
            .remove_container(&database, Some(options))
            .await;
        removed.unwrap();
        world.docker.remove_network(&other).await.unwrap();
        assert_ne!(reached, "ok");
        let network = world
            .docker
            .inspect_network(&world.config.network, None)
            .await;
        assert_eq!(network.unwrap().internal, Some(true));
        assert_ne!(outside, "ok");
    })
    .await;
}

#[tokio::test]
async fn an_engine_has_no_more_memory_and_threads_than_it_is_given() {
    run(|world| async move {
        let driver = world.driver().await;
        let mut spec = world.spec(&driver).await;
        spec.resources.memory_mib = 32;
        let engine = running(&driver, &spec).await;
        // 20 with its own.
        assert_eq!(ask(&engine, "/threads?100").await.unwrap(), "19");
        assert_eq!(ask(&engine, "/eat?8").await.unwrap(), "2048");
        let _ = ask(&engine, "/eat?64").await;
        let sight = settled(&driver, spec.game).await;
        let Sight::Exited(Exit { code, oom, at, .. }) = sight else {
            panic!("{sight:?}");
        };
        assert_eq!((code, oom, at.is_some()), (Some(137), true, true));
    })
    .await;
}

#[tokio::test]
async fn the_log_of_an_engine_has_a_largest_size() {
    run(|world| async move {
        let driver = world.driver().await;
        let spec = world.spec(&driver).await;
        running(&driver, &spec).await;
        let seen = world
            .docker
            .inspect_container(&world.name(spec.game), None)
            .await;
        let host = seen.unwrap().host_config.unwrap();
        let log = host.log_config.unwrap();
        assert_eq!(log.typ.as_deref(), Some("json-file"));
        let log = log.config.unwrap();
        assert_eq!(
            (log["max-size"].as_str(), log["max-file"].as_str()),
            ("131072", "2")
        );
        assert!(host.port_bindings.unwrap_or_default().is_empty());
        assert_eq!(host.memory_swap, host.memory);
        assert_eq!(host.nano_cpus, Some(500_000_000));
    })
    .await;
}
