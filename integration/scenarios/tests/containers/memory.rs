//! An engine that eats memory: it is killed at its limit, comes back, and is given up when it does not stop.

use std::time::Duration;

use anyhow::{Result, ensure};
use galaxy_client::Call;
use galaxy_scenarios::Admin;
use galaxy_stack::{
    Stack, StackOptions,
    docker::{self, engine_image::TestImage},
};
use serde_json::json;

use crate::common::{runtime, runtime_is, seated};

/// The last of five restarts waits for 16 s.
const EACH_WITHIN: Duration = Duration::from_secs(45);
/// More than the 256 MiB that a version has by default.
const FAULTS: &str = r#"{"calls":[{"on":"command","fault":{"memory_bytes":600000000}}]}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_eats_memory_comes_back_five_times_and_is_then_given_up() -> Result<()> {
    if !docker::for_test() {
        return Ok(());
    }
    let image = TestImage::faulty(FAULTS)?;
    let options = StackOptions::for_test()?.in_docker(image.name().to_owned());
    let mut stack = Stack::start(options).await?;
    let file = stack.file()?;
    let admin = Admin::new(&file);
    let table = seated(&file).await?;
    table.start().await?;
    let game = &table.game_id;
    for restart in 1..=6 {
        let before = runtime(&admin, game).await?;
        let command = Call::new("post_commands").path("game_id", game);
        let command = command.body(json!({ "commands": [] }));
        // The engine does not live to answer.
        let answer = table.players[0].device.execute(command).await;
        ensure!(!answer.is_ok_and(|answer| answer.ok().is_ok()), "an answer");
        let what = format!("end {restart} is noted");
        let seen = runtime_is(&admin, game, &what, EACH_WITHIN, |now| {
            now["engine_health"] == "crash_loop"
                || now["epoch"] != before["epoch"] && now["endpoint"].is_string()
        });
        let seen = seen.await?;
        ensure!(seen["oom_killed"] == true, "{seen}");
        let given_up = seen["engine_health"] == "crash_loop";
        ensure!(given_up == (restart == 6), "after {restart} ends: {seen}");
        let error = seen["last_error"].as_str().unwrap_or_default();
        ensure!(!given_up || error.contains("more memory"), "{seen}");
    }
    let why = admin.get(&format!("/runtimes/{game}/why")).await?;
    ensure!(why["code"] == "crash_loop", "{why}");

    // An operator who has helped it brings it back.
    admin
        .post(&format!("/runtimes/{game}/restart"), None)
        .await?;
    runtime_is(&admin, game, "it is back", EACH_WITHIN, |now| {
        now["status"] == "running" && now["endpoint"].is_string()
    })
    .await?;
    table.force_turn(&admin, 1).await?;
    stack.stop().await
}
