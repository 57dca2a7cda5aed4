//! `cargo xtask down`: stops the running stack; `--wipe` removes its data.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use galaxy_stack::{Layout, Ui, docker, env, stop_orphans};
use rustix::process::{Pid, Signal, kill_process};

use crate::lock::{Lock, holder};

const STOP_WITHIN: Duration = Duration::from_secs(90);

#[derive(clap::Args)]
pub struct Args {
    /// Remove all data: the next `up` starts with an empty database and new secrets.
    #[arg(long)]
    wipe: bool,
}

/// Returns when everything has stopped.
pub async fn run(args: &Args, layout: &Layout, ui: Ui) -> Result<()> {
    if Lock::is_taken(layout)? {
        stop(layout, ui).await?;
        ui.done("stopped");
    } else {
        ui.done("nothing is running");
    }
    for name in stop_orphans(&layout.logs())? {
        ui.warn(format!(
            "{name} of an earlier start was still running and was stopped"
        ));
    }
    remove(&layout.stack_file())?;
    if args.wipe {
        wipe(layout, ui)?;
    }
    Ok(())
}

async fn stop(layout: &Layout, ui: Ui) -> Result<()> {
    let pid = holder(layout).context("it is running but its process id is not known")?;
    ui.step(format!("stopping process {pid} and what it started"));
    let pid = Pid::from_raw(i32::try_from(pid)?).context("no process has this id")?;
    kill_process(pid, Signal::TERM).context("cannot stop it")?;
    let deadline = Instant::now() + STOP_WITHIN;
    while Lock::is_taken(layout)? {
        if Instant::now() > deadline {
            bail!("it does not stop; see {}", layout.logs().display());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn wipe(layout: &Layout, ui: Ui) -> Result<()> {
    let paths = [
        layout.data(),
        layout.engines(),
        layout.driver(),
        layout.secrets(),
        layout.logs(),
    ];
    if docker::is_available() {
        let deployment = docker::Deployment(layout.deployment());
        deployment
            .remove()
            .context("engines in containers are not wiped")?;
    }
    paths.iter().try_for_each(|path| remove(path))?;
    docker::remove_volumes();
    for variable in [env::POSTGRES_URL, env::NATS_URL] {
        if env::var(variable).is_some() {
            ui.warn(format!(
                "{variable} is set: what is stored there is not wiped"
            ));
        }
    }
    ui.done("wiped");
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
