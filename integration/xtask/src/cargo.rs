//! Calls of the cargo that runs this program.

use std::{path::Path, process::Stdio, time::Instant};

use anyhow::{Context, Result, bail};
use galaxy_stack::{Layout, Ui, env};
use tokio::process::Command;

/// `cargo …` in the checkout, with the queries checked from the committed cache.
pub fn cargo(layout: &Layout) -> Command {
    let mut command = Command::new(env::var("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    command
        .current_dir(layout.root())
        .env("SQLX_OFFLINE", "true")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    remove_cargo_variables(&mut command);
    command
}

/// Removes the variables that `cargo run` sets for this program. Build scripts of dependencies (ring's) depend
/// on the same variables, and would run again whenever the caller of cargo changes.
pub fn remove_cargo_variables(command: &mut Command) {
    const PREFIXES: [&str; 4] = [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
    ];
    for (name, _) in std::env::vars_os() {
        if PREFIXES
            .iter()
            .any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
        {
            command.env_remove(name);
        }
    }
}

/// Builds every program, in the profile that this one was built in.
pub async fn build(layout: &Layout, ui: Ui) -> Result<()> {
    ui.step("building");
    let start = Instant::now();
    let mut command = cargo(layout);
    command
        .args(["build", "--workspace", "--bins"])
        .args(profile(layout.binaries()));
    run(command).await.context("the build failed")?;
    ui.done(format!("built in {:.1} s", start.elapsed().as_secs_f64()));
    Ok(())
}

/// `target/release/xtask` builds with `--release`, and so on.
fn profile(binaries: &Path) -> Vec<String> {
    match binaries.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => Vec::new(),
        Some(profile) => vec!["--profile".to_owned(), profile.to_owned()],
    }
}

/// Runs a command that inherits standard output and error.
pub async fn run(mut command: Command) -> Result<()> {
    let status = command
        .status()
        .await
        .with_context(|| format!("cannot run {command:?}"))?;
    if !status.success() {
        bail!("{status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_built_in_the_profile_of_this_one() {
        assert!(profile(Path::new("/t/debug")).is_empty());
        assert_eq!(profile(Path::new("/t/release")), ["--profile", "release"]);
    }
}
