//! `cargo xtask compose-check`: the platform on Compose, played for real while replicas come, are killed and are restarted,
//! taken down and brought up again. Nothing is left behind.

mod game;
mod mails;
mod play;
mod project;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use galaxy_stack::{Layout, Port, Ports, Ui, docker};
use uuid::Uuid;

use crate::{
    cargo,
    images::{self, Bases, TARGETS},
    static_engine,
    test::Outcome,
};
pub use project::Project;

/// For everything but compiling.
const WITHIN: Duration = Duration::from_mins(12);

const ABOUT: &str = "\
Needs a Docker engine, Compose (1.29 or 2), and what `cargo xtask images --offline` needs: no registry is asked. Programs are those
of this machine's build, in the profile of this one, without their symbols.";

#[derive(clap::Args)]
#[command(after_help = ABOUT)]
pub struct Args {
    /// Use what was built before.
    #[arg(long)]
    no_build: bool,
    /// Leave everything as it is at the end, also after a failure.
    #[arg(long)]
    keep: bool,
}

pub async fn run(args: &Args, layout: &Layout, ui: Ui) -> Result<ExitCode> {
    if let Some(why) = missing() {
        bail!(why);
    }
    if !args.no_build {
        cargo::build(layout, ui).await?;
        static_engine::build(layout).await?;
    }
    let note = check(layout, ui, args.keep).await?;
    ui.done(note);
    Ok(ExitCode::SUCCESS)
}

/// As a step of `cargo xtask test`; the programs were built before. On a build machine nothing may be missing.
pub async fn step(layout: &Layout, ui: Ui, ci: bool) -> Outcome {
    match missing() {
        Some(why) if ci && docker::is_available() => Outcome::Failed(why),
        Some(why) => Outcome::Skipped(why),
        None => Outcome::of(Box::pin(check(layout, ui, false)).await),
    }
}

/// Why it cannot be done here.
fn missing() -> Option<String> {
    if !docker::is_available() {
        return Some("no Docker engine answers".to_owned());
    }
    let can = Project::program()
        .map(drop)
        .and_then(|()| images::can_be_made());
    can.err().map(|error| format!("{error:#}"))
}

/// Makes the images, plays, removes everything. Returns what was seen.
async fn check(layout: &Layout, ui: Ui, keep: bool) -> Result<String> {
    let id = Uuid::now_v7().simple().to_string();
    let tag = format!("check-{}", &id[24..]);
    let before = images::base_names()?;
    let bases = Bases::make(layout, ui)?;
    let made = images::prebuilt(&tag, &bases, layout, ui);
    let played = async {
        let (project, _ports) = project(&tag, made?.names, layout)?;
        project.check_files()?;
        let played = tokio::time::timeout(WITHIN, play::all(&project, ui)).await;
        let played = played.unwrap_or_else(|_| bail!("not done after {WITHIN:?}"));
        if played.is_err() {
            ui.plain(project.logs());
        }
        if keep {
            ui.warn(format!("{} is kept", project.name()));
            return played;
        }
        ui.step("removing everything");
        let removed = project.remove();
        played.and_then(|note| removed.map(|()| note))
    }
    .await;
    if !keep {
        for (target, _) in TARGETS {
            let _ = images::docker(&["image", "rm", "--force", &format!("galaxy/{target}:{tag}")]);
        }
        Bases::remove_new(&before)?;
    }
    played
}

/// With free ports and a deployment of its own.
fn project(
    name: &str,
    images: Vec<(&'static str, String)>,
    layout: &Layout,
) -> Result<(Project, Vec<Port>)> {
    let name = format!("galaxy-{name}");
    let mut variables: Vec<(String, String)> = images
        .into_iter()
        .map(|(variable, image)| (variable.to_owned(), image))
        .collect();
    variables.push(("GALAXY_DEPLOYMENT".to_owned(), name.clone()));
    variables.push(("GALAXY_ENGINE_PULL".to_owned(), "never".to_owned()));
    let mut ports = Vec::new();
    for variable in ["API", "GATEWAY_GRPC", "GATEWAY_HTTP", "INBOX"] {
        let port = Ports::Free.pick(0).context("a free port")?;
        variables.push((format!("GALAXY_{variable}_PORT"), port.address()));
        ports.push(port);
    }
    let project = Project::new(&name, layout.root(), variables)?;
    Ok((project, ports))
}
