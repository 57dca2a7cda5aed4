//! Containers that somebody kills or removes by hand.

use std::time::Duration;

use anyhow::{Result, ensure};
use galaxy_scenarios::{Admin, eventually};
use galaxy_stack::{
    Stack, StackOptions,
    docker::{self, engine_image::TestImage},
};

use crate::common::{only, runtime, runtime_is, seated};

/// An engine that is gone must be missed for 30 s before it is made anew.
const BACK_WITHIN: Duration = Duration::from_secs(90);

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_is_killed_or_removed_by_hand_comes_back_and_the_game_goes_on()
-> Result<()> {
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
    let report = table.report(0, 1).await?;

    let mut epoch = runtime(&admin, &table.game_id).await?["epoch"].clone();
    for (turn, act) in (2..).zip([&["kill"][..], &["rm", "--force"]]) {
        let container = only(&engines)?;
        docker::by_hand(&[act, &[container.as_str()]].concat())?;
        let back = runtime_is(&admin, &table.game_id, "it is back", BACK_WITHIN, |now| {
            now["epoch"] != epoch && now["status"] == "running" && now["endpoint"].is_string()
        });
        epoch = back.await?["epoch"].clone();
        ensure!(only(&engines)? != container, "another container runs");
        let seen = eventually("its players reach it", BACK_WITHIN, async || {
            table.report(0, 1).await.map(Some)
        });
        ensure!(seen.await? == report, "it has its state");
        table.order(1, serde_json::json!([])).await?;
        table.force_turn(&admin, turn).await?;
    }

    // A turn does not wait until the absence is sure: it brings the engine up.
    docker::by_hand(&["rm", "--force", &only(&engines)?])?;
    table.force_turn(&admin, 4).await?;
    ensure!(table.report(0, 1).await? == report, "it has its state");
    stack.stop().await
}
