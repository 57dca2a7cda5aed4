//! A game on a node, as the tests see it.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use galaxy_core::GameId;
use galaxy_drivers::{
    Driver, EngineSpec, Exit, Instance, Listing, LogQuery, Resolved, Resources, Sight,
};
use secrecy::SecretString;

use crate::harness::{Call, Harness, Kind};

/// How long something may take that is to happen.
const DEADLINE: Duration = Duration::from_secs(30);
/// What engines of the tests want to hear.
pub const TOKEN: &str = "a token of the tests";
/// Long enough for an engine that ends when it is told to.
pub const GRACE: Duration = Duration::from_secs(20);

/// A driver and a game.
pub struct Scene<'a, H> {
    pub harness: &'a H,
    pub driver: Arc<dyn Driver>,
    pub game: GameId,
}

impl<'a, H: Harness> Scene<'a, H> {
    pub async fn new(harness: &'a H) -> Self {
        Self {
            harness,
            driver: harness.driver().await,
            game: GameId::generate(),
        }
    }

    /// An engine that is there to be run.
    pub async fn spec(&self, epoch: i64, kind: Kind) -> EngineSpec {
        let program = self.harness.program(kind);
        let digest = eventually("the image", async || {
            match self.driver.resolve(&program.image).await.unwrap() {
                Resolved::Ready(digest) => Some(digest),
                Resolved::Pulling(_) => None,
            }
        })
        .await;
        EngineSpec {
            digest,
            ..self.unresolved(epoch, kind)
        }
    }

    /// An engine whose image need not be there.
    pub fn unresolved(&self, epoch: i64, kind: Kind) -> EngineSpec {
        let program = self.harness.program(kind);
        EngineSpec {
            game: self.game,
            epoch,
            image: program.image,
            digest: format!("sha256:{:064}", 0),
            version: "0.1.0".to_owned(),
            resources: Resources::default(),
            token: Some(SecretString::from(TOKEN)),
            environment: program.environment,
            log_limit: 1 << 20,
            grace: GRACE,
        }
    }

    /// Applies until the engine runs.
    pub async fn run(&self, spec: &EngineSpec) -> Instance {
        eventually("the engine runs", async || {
            match self.driver.apply(spec).await.unwrap() {
                Sight::Running(instance) => Some(instance),
                Sight::Pending { .. } => None,
                other => panic!("{other:?} instead of a running engine"),
            }
        })
        .await
    }

    /// Runs the reference engine.
    pub async fn run_reference(&self, epoch: i64) -> Instance {
        let spec = self.spec(epoch, Kind::Reference).await;
        self.run(&spec).await
    }

    /// Lets the engine sleep until it has ended.
    pub async fn sleep(&self, epoch: i64, grace: Duration) -> Exit {
        eventually("the engine sleeps", async || {
            match self.driver.sleep(self.game, epoch, grace).await.unwrap() {
                Sight::Exited(exit) => Some(exit),
                Sight::Pending { .. } => None,
                other => panic!("{other:?} instead of a sleeping engine"),
            }
        })
        .await
    }

    /// Deletes the engine until it is gone.
    pub async fn delete_engine(&self, epoch: i64) -> Sight {
        eventually("the engine is deleted", async || {
            let sight = self.driver.delete_engine(self.game, epoch).await.unwrap();
            (!matches!(sight, Sight::Pending { .. })).then_some(sight)
        })
        .await
    }

    pub async fn observe(&self) -> Sight {
        self.driver.observe(self.game).await.unwrap()
    }

    /// Looks until the engine has exited.
    pub async fn exited(&self) -> Exit {
        eventually("the engine has exited", async || {
            match self.observe().await {
                Sight::Exited(exit) => Some(exit),
                _ => None,
            }
        })
        .await
    }

    /// All pages as one.
    pub async fn list(&self) -> Listing {
        let mut all = self.driver.list(None).await.unwrap();
        while let Some(next) = all.next.take() {
            let page = self.driver.list(Some(next)).await.unwrap();
            all.engines.extend(page.engines);
            all.complete &= page.complete;
            all.next = page.next;
        }
        all
    }

    pub async fn log(&self, tail: u32, previous: bool) -> Vec<String> {
        let query = LogQuery { tail, previous };
        let lines = self.driver.logs(self.game, query).await.unwrap();
        let lines: Vec<_> = lines.map(Result::unwrap).collect().await;
        let text = String::from_utf8(lines.concat()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Calls the engine with its token. The answer's status and body.
    pub async fn call(
        &self,
        instance: &Instance,
        method: &str,
        path: &str,
        body: String,
    ) -> (u16, String) {
        self.call_as(Some(TOKEN), instance, (method, path, body))
            .await
    }

    pub async fn call_as(
        &self,
        token: Option<&str>,
        instance: &Instance,
        (method, path, body): (&str, &str, String),
    ) -> (u16, String) {
        let call = Call {
            method,
            path,
            body,
            game: self.game,
            token,
        };
        self.harness.call(&instance.endpoint, &call).await
    }

    /// Sets a game up in the engine.
    pub async fn init(&self, instance: &Instance) {
        let body = format!(
            r#"{{"game_id":"{}","seed":7,"races":[{{"race_name":"Zorgons"}},{{"race_name":"Terrans"}}]}}"#,
            self.game
        );
        let (status, body) = self
            .call(instance, "POST", "/api/v1/admin/init", body)
            .await;
        assert_eq!(status, 200, "{body}");
    }

    /// Whether the engine has this scene's game.
    pub async fn plays(&self, instance: &Instance) -> bool {
        let answer = self.call(instance, "GET", "/api/v1/admin/status", String::new());
        let (status, body) = answer.await;
        status == 200 && body.contains(&self.game.to_string())
    }
}

/// Waits for what `look` finds, asking again and again.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = tokio::time::timeout(DEADLINE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    found
        .await
        .unwrap_or_else(|_| panic!("not after {DEADLINE:?}: {what}"))
}
