//! `cargo xtask down`: stops the running stack; `--wipe` forgets its data.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use galaxy_stack::{Layout, Ui, docker, end_leftovers, env};
use rustix::process::{Pid, Signal, kill_process};

use crate::lock::{Lock, holder};

const WITHIN: Duration = Duration::from_secs(90);

#[derive(clap::Args)]
pub struct Args {
    /// Forget all data: the next `up` starts with an empty database and new secrets.
    #[arg(long)]
    wipe: bool,
}

/// Returns when nothing runs any more.
pub async fn run(args: &Args, layout: &Layout, ui: Ui) -> Result<()> {
    if Lock::is_taken(layout)? {
        stop(layout, ui).await?;
        ui.done("stopped");
    } else {
        ui.done("nothing is running");
    }
    for name in end_leftovers(&layout.logs())? {
        ui.warn(format!(
            "{name} was left over from an earlier start and is ended"
        ));
    }
    remove(&layout.stack_file())?;
    if args.wipe {
        wipe(layout, ui)?;
    }
    Ok(())
}

async fn stop(layout: &Layout, ui: Ui) -> Result<()> {
    let pid = holder(layout).context("it is running but did not say as which process")?;
    ui.step(format!("stopping process {pid} and what it started"));
    let pid = Pid::from_raw(i32::try_from(pid)?).context("no process has this id")?;
    kill_process(pid, Signal::TERM).context("cannot stop it")?;
    let deadline = Instant::now() + WITHIN;
    while Lock::is_taken(layout)? {
        if Instant::now() > deadline {
            bail!("it does not stop; see {}", layout.logs().display());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn wipe(layout: &Layout, ui: Ui) -> Result<()> {
    let gone = [
        layout.data(),
        layout.engines(),
        layout.secrets(),
        layout.logs(),
    ];
    gone.iter().try_for_each(|path| remove(path))?;
    docker::forget_volumes();
    for variable in [env::POSTGRES_URL, env::NATS_URL] {
        if env::var(variable).is_some() {
            ui.warn(format!(
                "{variable} is set: what is stored there is not ours to wipe"
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
