//! Fetching images.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use galaxy_core::GameId;
use galaxy_drivers::{DockerDriver, Driver as _, DriverError, Resolved, docker::PullPolicy};

use crate::{
    image,
    registry::{self, Access, LOGIN, Registry},
    world::{run, running, until},
};

/// A registry whose image nobody has seen before.
async fn registry() -> Registry {
    registry_for(Access::Open).await
}

async fn registry_for(access: Access) -> Registry {
    let mut layer = image::archive(&[("engine", &crate::world::probe())]);
    // What follows the end of an archive is not read, and makes it another one.
    layer.extend_from_slice(GameId::generate().uuid().as_bytes());
    layer.resize(layer.len() + 496, 0);
    registry::serve(layer, access).await
}

async fn resolved(driver: &DockerDriver, image: &str) -> Result<String, DriverError> {
    until(async || match driver.resolve(image).await {
        Ok(Resolved::Pulling(_)) => None,
        Ok(Resolved::Ready(digest)) => Some(Ok(digest)),
        Err(error) => Some(Err(error)),
    })
    .await
}

#[tokio::test]
async fn an_image_is_fetched_in_the_background_and_runs_by_its_digest() {
    run(|world| async move {
        let driver = world.driver().await;
        let registry = registry().await;
        registry.flows.send_replace(false);
        let tagged = format!("{}/game/engine:1", registry.host);
        world.images.lock().push(tagged.clone());
        let began = Instant::now();
        let first = driver.resolve(&tagged).await.unwrap();
        assert!(matches!(first, Resolved::Pulling(_)), "{first:?}");
        assert!(began.elapsed() < Duration::from_millis(500));
        until(async || match driver.resolve(&tagged).await.unwrap() {
            Resolved::Pulling(how)
                if how.starts_with("0 of 1 layers, ") && !how.contains(", 0 of") =>
            {
                Some(())
            }
            Resolved::Pulling(_) => None,
            Resolved::Ready(_) => panic!("half of it is missing"),
        })
        .await;
        registry.flows.send_replace(true);
        assert_eq!(
            resolved(&driver, &tagged).await,
            Ok(registry.digest.clone())
        );

        let mut spec = world.spec(&driver).await;
        spec.image.clone_from(&tagged);
        spec.digest.clone_from(&registry.digest);
        let engine = running(&driver, &spec).await;
        assert_eq!(engine.digest, registry.digest);
        driver.delete_engine(spec.game, 1).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_image_is_fetched_by_its_digest() {
    run(|world| async move {
        let mut config = world.config.clone();
        config.pull = PullPolicy::Always;
        let driver = world.driver_with(config).await;
        let registry = registry().await;
        let pinned = format!("{}/game/engine@{}", registry.host, registry.digest);
        world.images.lock().push(pinned.clone());
        assert_eq!(
            resolved(&driver, &pinned).await,
            Ok(registry.digest.clone())
        );
        let read = registry.manifests_read.load(Ordering::Relaxed);
        assert_eq!(
            resolved(&driver, &pinned).await,
            Ok(registry.digest.clone())
        );
        assert_eq!(
            registry.manifests_read.load(Ordering::Relaxed),
            read,
            "it cannot have changed"
        );
    })
    .await;
}

#[tokio::test]
async fn an_image_that_was_made_here_is_found_by_its_content_after_its_tag_has_moved() {
    run(|world| async move {
        let driver = world.driver().await;
        let mut spec = world.spec(&driver).await;
        let (repository, _) = world.image.rsplit_once(':').unwrap();
        let pinned = format!("{repository}@{}", spec.digest);
        world.images.lock().push(spec.digest.clone());
        let programs: [(&str, &[u8]); 2] = [("engine", &crate::world::probe()), ("more", b"more")];
        image::import(&world.docker, &world.image, "/engine", &programs).await;
        let moved = resolved(&driver, &world.image).await.unwrap();
        assert_ne!(moved, spec.digest);

        assert_eq!(resolved(&driver, &pinned).await, Ok(spec.digest.clone()));
        let engine = running(&driver, &spec).await;
        assert_eq!(engine.digest, spec.digest, "the tag is not followed");
        driver.delete_engine(spec.game, 1).await.unwrap();

        let mut config = world.config.clone();
        config.pull = PullPolicy::Never;
        let driver = world.driver_with(config).await;
        spec.digest = format!("sha256:{}", "0".repeat(64));
        let pinned = format!("{repository}@{}", spec.digest);
        let gone = driver.resolve(&pinned).await;
        assert!(matches!(gone, Err(DriverError::NoImage(_))), "{gone:?}");
        let refused = driver.apply(&spec).await;
        assert!(
            matches!(refused, Err(DriverError::NoImage(_))),
            "nothing else runs in its place: {refused:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_fetched_depends_on_the_policy() {
    run(|world| async move {
        let registry = registry().await;
        let tagged = format!("{}/game/engine:1", registry.host);
        world.images.lock().push(tagged.clone());
        let mut config = world.config.clone();
        config.pull = PullPolicy::Never;
        let never = world.driver_with(config.clone()).await;
        let missing = never.resolve(&tagged).await;
        assert!(
            matches!(missing, Err(DriverError::NoImage(_))),
            "{missing:?}"
        );
        assert_eq!(registry.manifests_read.load(Ordering::Relaxed), 0);

        let missing = world.driver().await;
        assert!(resolved(&missing, &tagged).await.is_ok());
        assert!(never.resolve(&tagged).await.is_ok());
        let read = registry.manifests_read.load(Ordering::Relaxed);
        config.pull = PullPolicy::Always;
        let always = world.driver_with(config).await;
        assert!(matches!(
            always.resolve(&tagged).await,
            Ok(Resolved::Pulling(_))
        ));
        assert!(resolved(&always, &tagged).await.is_ok());
        let again = registry.manifests_read.load(Ordering::Relaxed);
        assert!(again > read);
        assert!(
            resolved(&always, &tagged).await.is_ok(),
            "it was fetched a moment ago"
        );
        assert_eq!(registry.manifests_read.load(Ordering::Relaxed), again);
    })
    .await;
}

#[tokio::test]
async fn an_image_that_cannot_be_had_is_told_once_and_tried_again() {
    run(|world| async move {
        let driver = world.driver().await;
        let registry = registry().await;
        for (image, words) in [
            (format!("{}/game/engine:2", registry.host), "404"),
            (format!("{}/game/broken:1", registry.host), "500"),
            ("127.0.0.1:1/game/engine:1".to_owned(), "connection refused"),
            ("no image".to_owned(), "not a reference"),
        ] {
            for _ in 0..2 {
                let error = resolved(&driver, &image).await.unwrap_err();
                let DriverError::NoImage(text) = error else {
                    panic!("{error:?}");
                };
                assert!(text.contains(words), "{text}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_registry_is_asked_with_the_credentials_that_are_set_for_it() {
    run(|world| async move {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut config = world.config.clone();
        config.registry_auth = Some(file.path().to_owned());
        let driver = world.driver_with(config).await;
        for access in [Access::Basic, Access::Bearer] {
            let registry = registry_for(access).await;
            let image = format!("{}/game/engine:1", registry.host);
            world.images.lock().push(image.clone());
            let refused = async |auths: &str, words: &str| {
                std::fs::write(file.path(), auths).unwrap();
                let error = resolved(&driver, &image).await.unwrap_err();
                let DriverError::NoImage(text) = error else {
                    panic!("{error:?}");
                };
                assert!(text.contains(words), "{access:?}: {text}");
                assert!(!text.contains("hunter2"), "{text}");
            };
            refused("{}", "asked with no credentials set for it").await;
            let wrong = auths(&registry.host, "ada:hunter2");
            refused(&wrong, "asked with the credentials set for it").await;
            refused("hunter2", "line 1, column 1").await;
            assert_eq!(registry.manifests_read.load(Ordering::Relaxed), 0);

            std::fs::write(file.path(), auths(&registry.host, LOGIN)).unwrap();
            let digest = resolved(&driver, &image).await;
            assert_eq!(digest, Ok(registry.digest), "{access:?}");
        }
        std::fs::remove_file(file.path()).unwrap();
        let error = resolved(&driver, "127.0.0.1:1/game/engine:1").await;
        let text = error.unwrap_err().to_string();
        assert!(text.contains("cannot be read"), "{text}");
    })
    .await;
}

/// A file of credentials for one registry.
fn auths(host: &str, login: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    let auth = BASE64_STANDARD.encode(login);
    serde_json::json!({ "auths": { host: { "auth": auth } } }).to_string()
}
