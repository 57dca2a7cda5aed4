//! Dependencies: the rules of `deny.toml`, known vulnerabilities, and those that no code uses.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use galaxy_stack::{Layout, Ui};
use tokio::process::Command;

use super::{report::Outcome, tools};
use crate::cargo::run;

/// Bans, licences and sources: need nothing but the lock file.
pub async fn rules(layout: &Layout, ui: Ui) -> Outcome {
    Outcome::of(check(layout, ui, &["bans", "licenses", "sources"]).await)
}

/// Known vulnerabilities, if a database of them is on this machine: nothing is fetched.
pub async fn advisories(layout: &Layout, ui: Ui) -> Outcome {
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".cargo")));
    let database = home.map(|home| home.join("advisory-dbs"));
    if !database.is_some_and(|database| database.is_dir()) {
        return Outcome::Skipped("no advisory database here (`cargo deny fetch` gets one)".into());
    }
    Outcome::of(check(layout, ui, &["--disable-fetch", "advisories"]).await)
}

/// Dependencies that a `Cargo.toml` names and no code uses. Exceptions stand in the `Cargo.toml` with their reason.
pub async fn unused(layout: &Layout, ui: Ui) -> Outcome {
    let program = match tools::find(tools::MACHETE, layout, ui).await {
        Ok(program) => program,
        Err(why) => return Outcome::Skipped(format!("{why:#}")),
    };
    let mut machete = Command::new(program);
    machete
        .current_dir(layout.root())
        .args(["--with-metadata", "--skip-target-dir"]);
    Outcome::of(
        run(machete)
            .await
            .map(|()| String::new())
            .context("remove them, or name them in the crate's `package.metadata.cargo-machete`"),
    )
}

async fn check(layout: &Layout, ui: Ui, what: &[&str]) -> Result<String> {
    let mut deny = Command::new(tools::find(tools::DENY, layout, ui).await?);
    deny.current_dir(layout.root())
        .args(["--locked", "--log-level", "error", "check"])
        .args(what);
    run(deny).await.context("see above")?;
    Ok(String::new())
}
