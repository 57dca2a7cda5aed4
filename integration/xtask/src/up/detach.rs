//! The stack in the background: this program started again, with its output in a log that is printed until the stack is ready.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use galaxy_stack::{Driver, Layout, StackFile, Ui};
use tokio::process::{Child, Command};

use super::Size;

/// Returns when `stack.json` is there.
pub async fn start(driver: Driver, size: &Size, layout: &Layout, ui: Ui) -> Result<StackFile> {
    let _ = fs::remove_file(layout.stack_file());
    fs::create_dir_all(layout.logs())?;
    let log = layout.logs().join("up.log");
    let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut supervisor = Command::new(std::env::current_exe()?)
        .args(["supervise", "--driver", driver.name()])
        .args(
            size.replicas
                .iter()
                .flat_map(|replicas| ["--replicas".to_owned(), replicas.to_string()]),
        )
        .current_dir(layout.root())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .spawn()
        .context("cannot start the supervisor")?;
    let mut shown = 0;
    loop {
        let ready = layout.stack_file().exists();
        let ended = supervisor.try_wait()?;
        show(&log, &mut shown, ui)?;
        match (ready, ended) {
            (true, None) => return StackFile::read(&layout.stack_file()),
            (_, Some(status)) => bail!("the stack did not start ({status})"),
            (false, None) => wait(&mut supervisor).await?,
        }
    }
}

/// A Ctrl-C while it starts stops the supervisor too.
async fn wait(supervisor: &mut Child) -> Result<()> {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(50)) => Ok(()),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            let pid = supervisor.id().and_then(|id| i32::try_from(id).ok());
            if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw) {
                rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
            }
            supervisor.wait().await?;
            bail!("interrupted");
        }
    }
}

/// Prints the lines written since the last call.
fn show(log: &Path, shown: &mut u64, ui: Ui) -> Result<()> {
    let mut file = File::open(log)?;
    file.seek(SeekFrom::Start(*shown))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let complete = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    *shown += complete as u64;
    let text = String::from_utf8_lossy(&text[..complete]);
    if !text.is_empty() {
        ui.plain(text.trim_end());
    }
    Ok(())
}
