//! Format and lints.

use anyhow::Context;
use galaxy_stack::Layout;

use super::report::Outcome;
use crate::{
    cargo::{cargo, run},
    query_cache::FreshCache,
};

/// `cargo fmt --check`.
pub async fn format(layout: &Layout) -> Outcome {
    let mut fmt = cargo(layout);
    fmt.args(["fmt", "--all", "--check"]);
    Outcome::of(
        run(fmt)
            .await
            .map(|()| String::new())
            .context("run `cargo fmt --all`"),
    )
}

/// Clippy over everything, warnings denied. Fills `fresh` on the way.
pub async fn clippy(layout: &Layout, fresh: &FreshCache) -> Outcome {
    let mut clippy = cargo(layout);
    clippy.args(["clippy", "--workspace", "--all-targets", "--keep-going"]);
    fresh.apply(&mut clippy);
    clippy.args(["--", "-D", "warnings"]);
    Outcome::of(
        run(clippy)
            .await
            .map(|()| String::new())
            .context("see above"),
    )
}
