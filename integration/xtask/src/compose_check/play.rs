//! What is played, and what is done to the platform meanwhile.

use std::{future::Future, time::Duration};

use anyhow::{Context, Result};
use galaxy_scenarios::{Player, eventually};
use galaxy_stack::{StackFile, Ui, web};

use super::{
    game::Game,
    mails::Mails,
    project::{Project, Scale, kill},
};

/// Turns before anything is done to the platform, during each disturbance, and after the platform was down.
const TURNS: u64 = 2;
/// Services that have one replica at first.
const ALL: Scale<'_> = &[
    ("api", 1),
    ("gateway", 1),
    ("mailer", 1),
    ("notifier", 1),
    ("push-hub", 1),
    ("runtime-manager", 1),
];
/// The replicas that are started while the game is on.
const MORE: Scale<'_> = &[("mailer", 3), ("runtime-manager", 2)];
/// How long the platform may take to be ready.
const READY_WITHIN: Duration = Duration::from_mins(3);

/// Returns what was seen.
pub async fn all(project: &Project, ui: Ui) -> Result<String> {
    ui.step("Compose: starting everything");
    project.up(&[]).await?;
    let file = ready(project).await?;
    ui.done("Compose: every process is ready");
    let players = sign_in(&file, &["Ada", "Grace", "Edsger"]).await?;
    let mut game = Game::start(&file, players).await?;
    game.play(TURNS).await?;
    ui.done("three players signed in by mail and play");

    while_playing(&mut game, project.up(MORE)).await?;
    all_ready(project, MORE).await?;
    ui.done("mailer and runtime-manager were scaled to 3 and 2 while they played");

    while_playing(&mut game, kill_one_of_each(project)).await?;
    let newcomers = sign_in(&file, &["Barbara", "Frances", "Radia"]).await?;
    while_playing(&mut game, project.restart("api")).await?;
    project.up(MORE).await?;
    all_ready(project, MORE).await?;
    ui.done("one of each was killed and api was restarted while they played");

    game.turns_ran_once().await?;
    let mails = Mails::settled(&game.admin, &file.inbox).await?;
    for player in game.players().iter().chain(&newcomers) {
        mails.check_code(&player.email)?;
    }
    // The mailer that was killed may have sent a mail and not recorded it.
    mails.check_once(1)?;
    ui.done(format!("no turn ran twice, and {mails} arrived"));

    project.down().await?;
    project.up(&[]).await?;
    ready(project).await?;
    game.resynced().await?;
    game.play(TURNS).await?;
    game.turns_ran_once().await?;
    ui.done("it was taken down and brought up again with its data, and they play on");
    Ok(format!(
        "{} turns and {mails}, while replicas came, were killed and restarted",
        game.turns()
    ))
}

/// Waits until gateway, api and inbox answer.
async fn ready(project: &Project) -> Result<StackFile> {
    let file = eventually("the platform's addresses", READY_WITHIN, async || {
        Ok(project.file().await.ok())
    })
    .await?;
    let urls = [
        format!("{}/readyz", file.api),
        format!("{}/readyz", file.inbox),
    ];
    for url in urls {
        eventually(&url, READY_WITHIN, async || {
            let answer = web::get(&url).await;
            Ok(answer
                .is_ok_and(|(status, _)| status.is_success())
                .then_some(()))
        })
        .await?;
    }
    all_ready(project, ALL).await?;
    Ok(file)
}

/// Waits until so many containers of each service run and are healthy.
async fn all_ready(project: &Project, scale: Scale<'_>) -> Result<()> {
    for (service, number) in scale {
        eventually(
            &format!("{number} of {service}"),
            READY_WITHIN,
            async || {
                let mut healthy = 0;
                for container in project.containers(service).await? {
                    healthy += usize::from(is_healthy(container).await?);
                }
                Ok((healthy == *number).then_some(()))
            },
        )
        .await?;
    }
    Ok(())
}

async fn is_healthy(container: String) -> Result<bool> {
    let state = tokio::task::spawn_blocking(move || {
        let format = "{{.State.Health.Status}}";
        crate::images::docker(&["inspect", "--format", format, &container])
    });
    Ok(state.await??.trim() == "healthy")
}

async fn sign_in(file: &StackFile, names: &[&str]) -> Result<Vec<Player>> {
    let mut players = Vec::new();
    for name in names {
        let email = format!("{}@example.org", name.to_lowercase());
        players.push(Player::sign_in(file, name, &email).await?);
    }
    Ok(players)
}

/// Plays until `change` is done, and some turns at least.
async fn while_playing(game: &mut Game, change: impl Future<Output = Result<()>>) -> Result<()> {
    let mut change = std::pin::pin!(change);
    let mut changed = false;
    let until = game.turns() + TURNS;
    while !changed || game.turns() < until {
        let mut turn = std::pin::pin!(game.play(1));
        loop {
            tokio::select! {
                played = &mut turn => {
                    played?;
                    break;
                }
                done = &mut change, if !changed => {
                    done?;
                    changed = true;
                }
            }
        }
    }
    Ok(())
}

async fn kill_one_of_each(project: &Project) -> Result<()> {
    for (service, _) in MORE {
        let containers = project.containers(service).await?;
        let first = containers.into_iter().next();
        kill(first.with_context(|| format!("a container of {service}"))?).await?;
    }
    Ok(())
}
