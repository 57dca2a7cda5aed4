//! Bringing an engine up until it answers, in steps that may be repeated: image, epoch, engine, health.

use std::time::Duration;

use futures_util::future::BoxFuture;
use galaxy_core::{FailureCode, GameId};
use galaxy_drivers::{Driver as _, DriverError, EngineSpec, Resolved, Resources, Sight};
use galaxy_runtime::{
    Claimed, EngineUp, Record,
    engine::{EngineAddress, EngineError, EngineStatus},
    outcome,
    versions::{self, EngineVersion},
};
use jiff::SignedDuration;
use secrecy::SecretString;
use tokio::time::Instant;

use crate::{
    Manager,
    manager::POLL_INTERVAL,
    work::{Failure, Wait},
};

/// How long a step looks on before it gives its worker back. Most engines answer by then.
const LOOK_ON: Duration = Duration::from_millis(500);

/// Which engine is to come up.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub engine_name: String,
    pub engine_version: String,
    pub image_ref: String,
    /// What the image must be, if that is known: a tag that has moved is not followed.
    pub image_digest: Option<String>,
}

/// How far an engine is.
pub(crate) enum BringUp {
    /// It runs and answers: what it is, and how it is called.
    Up(EngineUp, EngineAddress),
    /// It is not there yet.
    Waiting(Wait),
}

impl Target {
    /// What the record says is to run.
    pub(crate) fn of(record: &Record) -> Self {
        Self {
            engine_name: record.engine_name.clone(),
            engine_version: record.engine_version.clone().unwrap_or_default(),
            image_ref: record.image_ref.clone().unwrap_or_default(),
            image_digest: record.image_digest.clone(),
        }
    }
}

impl From<EngineVersion> for Target {
    fn from(version: EngineVersion) -> Self {
        Self {
            engine_name: version.engine_name,
            engine_version: version.version,
            image_ref: version.image_ref,
            image_digest: version.image_digest,
        }
    }
}

impl Manager {
    /// Makes sure that the game's engine runs as `target` says, under the operation's own epoch, and answers. The old engine is
    /// left alone until the new image is there.
    pub(crate) async fn bring_up(
        &self,
        operation: &Claimed,
        target: &Target,
    ) -> Result<BringUp, Failure> {
        let version = self.version_of(target).await?;
        let image = pinned(target, version.as_ref());
        let resolved = self.resolved(&image).await;
        let digest = match resolved.map_err(|failure| of_content(failure, target, &image))? {
            Ok(digest) => digest,
            Err(wait) => return Ok(BringUp::Waiting(wait)),
        };
        let node = &self.node.node_id;
        let now = self.clock.now();
        let record = outcome::epoch_taken(&self.db, operation, node, now).await?;
        let resources = match &version {
            Some(version) => self.noted(target, version, &digest).await?,
            None => Resources::default(),
        };
        if record.started_at.is_none() && !self.is_ground_clean(&record).await? {
            return Ok(BringUp::Waiting(Wait::soon("the end of an earlier start")));
        }
        let spec = self.spec(&record, target, image, digest, resources);
        let begun = operation.epoch.map_or(now, |(_, at)| at);
        self.look_on(&record, target, &spec, begun).await
    }

    /// The image, once it is there.
    async fn resolved(&self, image: &str) -> Result<Result<String, Wait>, Failure> {
        let until = Instant::now() + LOOK_ON;
        loop {
            match self.driver.resolve(image).await? {
                Resolved::Ready(digest) => return Ok(Ok(digest)),
                Resolved::Pulling(progress) if Instant::now() >= until => {
                    return Ok(Err(Wait::soon(format!("the image: {progress}"))));
                }
                Resolved::Pulling(_) => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
    }

    async fn version_of(&self, target: &Target) -> Result<Option<EngineVersion>, Failure> {
        let mut connection = self.db.acquire().await?;
        let (engine, version) = (&target.engine_name, &target.engine_version);
        Ok(versions::get(&mut connection, engine, version).await?)
    }

    /// Notes what the version's image is, the first time, and gives its limits.
    async fn noted(
        &self,
        target: &Target,
        version: &EngineVersion,
        digest: &str,
    ) -> Result<Resources, Failure> {
        if version.image_digest.is_none() && version.image_ref == target.image_ref {
            let mut connection = self.db.acquire().await?;
            let now = self.clock.now();
            versions::note_digest(&mut connection, version, digest, now).await?;
        }
        Resources::parse(&version.resources).map_err(|error| {
            let detail = format!("the version's resources {error}");
            Failure::never(FailureCode::ContainerStartFailed, detail)
        })
    }

    /// Removes what an earlier start of a game that never began has left: its engine and its state. What this epoch has made
    /// stays. `false` if something is still ending.
    async fn is_ground_clean(&self, record: &Record) -> Result<bool, Failure> {
        let (game, epoch) = (record.game_id, record.epoch);
        if self.driver.observe(game).await?.epoch() == Some(epoch) {
            return Ok(true);
        }
        match self.undo(game, epoch - 1).await {
            // Its driver remembers this epoch: a process that died was about to make the engine, on clean ground.
            Err(DriverError::Fenced { found }) if found == epoch => Ok(true),
            cleaned => Ok(cleaned?),
        }
    }

    fn spec(
        &self,
        record: &Record,
        target: &Target,
        image: String,
        digest: String,
        resources: Resources,
    ) -> EngineSpec {
        let token = record.engine_token.as_ref();
        EngineSpec {
            game: record.game_id,
            epoch: record.epoch,
            image,
            digest,
            version: target.engine_version.clone(),
            resources,
            token: token.map(|token| SecretString::from(token.reveal().to_owned())),
            environment: vec![],
            log_limit: self.log_limit,
            grace: self.timeouts.stop,
        }
    }

    /// Applies `spec` and watches the engine for a moment. It has failed if it ended, or if it does not answer in its time.
    /// While the driver itself is at work nobody looks on: its events wake the operation.
    async fn look_on(
        &self,
        record: &Record,
        target: &Target,
        spec: &EngineSpec,
        begun: galaxy_core::Timestamp,
    ) -> Result<BringUp, Failure> {
        let until = Instant::now() + LOOK_ON;
        loop {
            let waiting = match self.driver.apply(spec).await? {
                Sight::Running(instance) => {
                    let engine = record.engine_at(instance.endpoint.clone());
                    match self.engines.healthz(&engine).await {
                        Ok(()) => {
                            let up = EngineUp {
                                container_id: instance.container_id,
                                endpoint: instance.endpoint,
                                image_ref: target.image_ref.clone(),
                                image_digest: spec.digest.clone(),
                                engine_version: target.engine_version.clone(),
                            };
                            return Ok(BringUp::Up(up, engine));
                        }
                        Err(error) => format!("the engine's first answer ({error})"),
                    }
                }
                Sight::Exited(exit) if exit.epoch == spec.epoch => {
                    let log = self.log_tail(record.game_id).await;
                    let detail = format!("it ended: {}\n{log}", Ended(&exit));
                    return Err(Failure::again(FailureCode::ContainerStartFailed, detail));
                }
                Sight::Pending { why, .. } => return Ok(BringUp::Waiting(Wait::for_driver(why))),
                Sight::Unknown(text) => format!("the driver to tell ({text})"),
                Sight::Absent | Sight::StateOnly | Sight::Exited(_) => "the engine".to_owned(),
            };
            if self.is_late(begun) {
                let detail = format!("it does not answer in time, it waited for {waiting}");
                return Err(Failure::again(FailureCode::EngineUnhealthy, detail));
            }
            if Instant::now() >= until {
                return Ok(BringUp::Waiting(Wait::soon(waiting)));
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Whether an engine whose epoch began at `begun` should answer by now: the one before it may have taken its time to end.
    fn is_late(&self, begun: galaxy_core::Timestamp) -> bool {
        let allowed = self.timeouts.start + self.timeouts.stop;
        let allowed = SignedDuration::try_from(allowed).unwrap_or(SignedDuration::MAX);
        self.clock.now().duration_since(begun) >= allowed
    }

    /// The status of an engine that must be the game's: `None` if nobody, or another engine, is there.
    pub(crate) async fn status_of(
        &self,
        engine: &EngineAddress,
    ) -> Result<Option<EngineStatus>, EngineError> {
        match self.engines.status(engine).await {
            Ok(status) if status.game_id == engine.game_id => Ok(Some(status)),
            Ok(_) => Ok(None),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Kills the engine that a start has made, and removes it with its state. `false` if it is still ending.
    pub(crate) async fn undo(&self, game: GameId, epoch: i64) -> Result<bool, DriverError> {
        match self.deleted(game, epoch).await? {
            Sight::Absent => Ok(true),
            Sight::StateOnly => {
                self.driver.delete_state(game, epoch).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Ends the engine gently. `None` once it has ended, else what is waited for.
    pub(crate) async fn put_to_sleep(&self, record: &Record) -> Result<Option<Wait>, DriverError> {
        let (game, epoch, grace) = (record.game_id, record.epoch, self.timeouts.stop);
        let ended =
            |sight: &Sight| matches!(sight, Sight::Absent | Sight::StateOnly | Sight::Exited(_));
        let sight = look_until(|| self.driver.sleep(game, epoch, grace), ended).await?;
        Ok((!ended(&sight)).then(|| Wait::soon("the engine's end")))
    }

    /// Ends the engine and removes it; its state stays. `None` once it is gone, else what is waited for.
    pub(crate) async fn take_down(&self, record: &Record) -> Result<Option<Wait>, DriverError> {
        if let Some(wait) = self.put_to_sleep(record).await? {
            return Ok(Some(wait));
        }
        let sight = self.deleted(record.game_id, record.epoch).await?;
        Ok((!is_gone(&sight)).then(|| Wait::soon("the engine's removal")))
    }

    async fn deleted(&self, game: GameId, epoch: i64) -> Result<Sight, DriverError> {
        look_until(|| self.driver.delete_engine(game, epoch), is_gone).await
    }
}

/// Says why the image's tag is not simply taken as it is now.
fn of_content(failure: Failure, target: &Target, image: &str) -> Failure {
    match failure {
        Failure::Again {
            code: code @ FailureCode::ImagePullFailed,
            detail,
        } if image != target.image_ref => {
            let detail = format!(
                "{image} is not here and cannot be fetched, and {} may mean something else by now: {detail}",
                target.image_ref
            );
            Failure::Again { code, detail }
        }
        failure => failure,
    }
}

/// The image to run: what the game's engine ran before, else what the version's image was when it was first found.
fn pinned(target: &Target, version: Option<&EngineVersion>) -> String {
    let of_version = version
        .filter(|version| version.image_ref == target.image_ref)
        .and_then(|version| version.image_digest.as_ref());
    let digest = target.image_digest.as_ref().or(of_version);
    versions::pinned_reference(&target.image_ref, digest.map(String::as_str))
}

const fn is_gone(sight: &Sight) -> bool {
    matches!(sight, Sight::Absent | Sight::StateOnly)
}

/// Repeats a verb until it has come to its end, for [`LOOK_ON`] at most; gives what was seen last.
async fn look_until<'a>(
    verb: impl Fn() -> BoxFuture<'a, Result<Sight, DriverError>>,
    is_done: impl Fn(&Sight) -> bool,
) -> Result<Sight, DriverError> {
    let until = Instant::now() + LOOK_ON;
    loop {
        let sight = verb().await?;
        if is_done(&sight) || Instant::now() >= until {
            return Ok(sight);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// How an engine ended, for people.
pub(crate) struct Ended<'a>(pub &'a galaxy_drivers::Exit);

impl std::fmt::Display for Ended<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0.oom, self.0.code) {
            (true, _) => f.write_str("killed because it used more memory than it may"),
            (false, Some(code)) => write!(f, "with status {code}"),
            (false, None) => f.write_str("with an unknown status"),
        }
    }
}
