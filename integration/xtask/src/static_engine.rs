//! The reference engine as a static program: images of it hold nothing else.

use anyhow::{Context, Result};
use galaxy_stack::{Layout, env};

use crate::cargo::{cargo, run};

/// Builds [`Layout::static_engine`], always unoptimised: that is what tests look for, and fast enough to play with.
pub async fn build(layout: &Layout) -> Result<()> {
    let mut build = cargo(layout);
    let given = env::var("RUSTFLAGS").unwrap_or_default();
    build
        .args(["build", "-p", "galaxy-engine", "--bins", "--target"])
        .arg(Layout::static_target())
        // Other flags would build everything else anew.
        .arg("--target-dir")
        .arg(layout.static_dir())
        .env(
            "RUSTFLAGS",
            format!("{given} -C target-feature=+crt-static"),
        );
    run(build)
        .await
        .context("the static engine cannot be built here")
}
