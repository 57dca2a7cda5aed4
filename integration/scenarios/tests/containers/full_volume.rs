//! A volume that is full: the turn waits, operators read why, and it goes on once there is room.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use galaxy_scenarios::{Admin, eventually};
use galaxy_stack::{
    Stack, StackOptions,
    docker::{self, Deployment, engine_image::TestImage},
};

use crate::common::{newest_operation, only, runtime_is, seated};

/// The game's volume, as options of Docker's local driver.
const SMALL: &str = "o=size=256k,mode=1700,uid=65532,gid=65532";
/// The last part of the state's directory, in the engine and in the container that holds the volume.
const STATE: &str = "galaxy";
const HELD: &str = "/held";
const WITHIN: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_on_a_full_volume_says_so_and_is_generated_once_there_is_room() -> Result<()> {
    if !docker::for_test() {
        return Ok(());
    }
    let image = TestImage::make(&[])?;
    let options = StackOptions::for_test()?.in_docker(image.name().to_owned());
    let mut stack = Stack::start(options).await?;
    let file = stack.file()?;
    let (admin, engines) = (Admin::new(&file), stack.in_docker());
    let table = seated(&file).await?;
    table.start().await?;
    table.force_turn(&admin, 1).await?;
    let game = &table.game_id;

    admin.post(&format!("/runtimes/{game}/stop"), None).await?;
    let stopped = |now: &serde_json::Value| now["status"] == "stopped";
    runtime_is(&admin, game, "it is stopped", WITHIN, stopped).await?;
    let volume = SmallVolume::take_over(&engines, game, image.name())?;
    admin
        .post(&format!("/runtimes/{game}/restart"), None)
        .await?;
    let runs = |now: &serde_json::Value| now["status"] == "running";
    runtime_is(&admin, game, "it runs again", WITHIN, runs).await?;

    volume.fill()?;
    table.force(&admin).await?;
    let refused = eventually("the turn is refused", WITHIN, async || {
        let newest = newest_operation(&admin, game).await?;
        Ok((newest["attempt"].as_u64() > Some(0)).then_some(newest))
    });
    let refused = refused.await?;
    let error = refused["error"].as_str().unwrap_or_default();
    ensure!(error.contains("see its log"), "{refused}");
    let log = admin
        .text(&format!("/runtimes/{game}/logs?tail=20"))
        .await?;
    ensure!(log.contains("No space left on device"), "{log}");

    volume.make_room()?;
    table.await_turn(2).await?;
    let runtime = runtime_is(&admin, game, "its turn", WITHIN, |now| {
        now["current_turn"] == 2
    });
    ensure!(runtime.await?["status"] == "running");
    table.force_turn(&admin, 3).await?;
    table.report(0, 2).await?;
    drop(volume);
    stack.stop().await
}

/// A small tmpfs in place of the game's volume. What is in it lives as long as a container has it.
struct SmallVolume {
    holder: String,
    directory: tempfile::TempDir,
}

impl SmallVolume {
    /// Moves the state of a game whose engine has ended there.
    fn take_over(engines: &Deployment, game: &str, image: &str) -> Result<Self> {
        let (container, volume) = (only(engines)?, engines.engine(game));
        let labels = docker::by_hand(&[
            "volume",
            "inspect",
            "--format",
            "{{range $name, $value := .Labels}}{{$name}}={{$value}}\n{{end}}",
            &volume,
        ])?;
        let state = docker::copy_out(&format!("{container}:/var/lib/{STATE}"))?;
        docker::by_hand(&["rm", &container])?;
        docker::by_hand(&["volume", "rm", &volume])?;
        let mut create = vec!["volume", "create", "--opt", "type=tmpfs", "--opt"];
        create.extend(["device=tmpfs", "--opt", SMALL]);
        for label in labels.iter().filter(|label| !label.is_empty()) {
            create.extend(["--label", label]);
        }
        create.push(&volume);
        docker::by_hand(&create)?;
        let holder = format!("{volume}-holder");
        let mount = format!("{volume}:{HELD}/{STATE}");
        let run = ["run", "--detach", "--network", "none", "--name", &holder];
        let run = [&run[..], &["--volume", &mount, image]].concat();
        docker::by_hand(&run)?;
        docker::copy_in(&state, &format!("{holder}:{HELD}"))?;
        let directory = tempfile::tempdir()?;
        Ok(Self { holder, directory })
    }

    /// Leaves no room at all.
    fn fill(&self) -> Result<()> {
        for size in [64 << 10, 16 << 10, 4 << 10, 1] {
            let full = (0..64).any(|n| self.put(&format!("{size}-{n}"), size).is_err());
            ensure!(full, "the volume is not small");
        }
        Ok(())
    }

    /// Empties what filled it.
    fn make_room(&self) -> Result<()> {
        self.put(&format!("{}-0", 64 << 10), 0)
    }

    fn put(&self, name: &str, size: usize) -> Result<()> {
        let filler = self.directory.path().join("filler");
        std::fs::write(&filler, vec![b'x'; size])?;
        let filler = filler.to_str().context("a path")?;
        let inside = format!("{}:{HELD}/{STATE}/{name}", self.holder);
        docker::by_hand(&["cp", filler, &inside]).map(drop)
    }
}

impl Drop for SmallVolume {
    fn drop(&mut self) {
        let _ = docker::by_hand(&["rm", "--force", "--volumes", &self.holder]);
    }
}
