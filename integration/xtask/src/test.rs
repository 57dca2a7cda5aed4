//! `cargo xtask test`: everything that CI runs, one step after the other; all steps run even if one
//! fails, and the last lines list their outcomes.

mod containers;
mod dependencies;
mod lints;
mod mock_cluster;
mod report;
mod suite;
mod tools;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use galaxy_stack::{Layout, Servers, Ui, docker};

use crate::{
    compose_check, configuration, documents, k8s_check, query_cache::FreshCache, static_engine,
};
pub use report::Outcome;
use report::Report;

#[derive(clap::Args)]
pub struct Args {
    /// Run only the tests, and only those whose name contains this.
    filter: Option<String>,
}

/// Succeeds only if every step passed or was skipped.
pub async fn run(args: &Args, layout: &Layout, ui: Ui) -> Result<ExitCode> {
    let mut report = Report::new(ui);
    let servers = Servers::for_tests(ui, &layout.cache()).await?;
    ui.done(format!(
        "Postgres: {}; NATS: {}",
        servers.postgres.origin(),
        servers.nats.origin()
    ));
    if args.filter.is_none() {
        static_checks(&mut report, layout, ui, &servers).await?;
    }
    let containers = docker::is_available();
    if containers {
        let built =
            async { Outcome::of(static_engine::build(layout).await.map(|()| String::new())) };
        report.step("static engine", built).await;
    }
    let mock_cluster = mock_cluster::packages(layout, ui);
    if let Err(why) = &mock_cluster {
        ui.warn(format!("there is no mock cluster: {why:#}"));
    }
    let suite = suite::Suite {
        layout,
        ui,
        servers: &servers,
        mock_cluster: mock_cluster.as_deref().ok(),
    };
    let counts = report
        .step("tests", suite.run(args.filter.as_deref()))
        .await;
    for (name, need, is_there) in [
        ("tests in containers", containers::DOCKER, containers),
        (
            "tests in a cluster",
            containers::CLUSTER,
            mock_cluster.is_ok(),
        ),
    ] {
        let tests = containers::Tests::read(&layout.test_report(suite::profile()), need);
        if args.filter.is_none() || tests.any() {
            let outcome = async { tests.outcome(is_there, suite::is_ci()) };
            report.step(name, outcome).await;
        }
    }
    if args.filter.is_none() {
        let documentation = suite.documentation();
        report.step("documentation tests", documentation).await;
        let documents = async { Outcome::of(documents::check(layout).await) };
        report.step("generated documents", documents).await;
        let manifests = async {
            match &mock_cluster {
                Ok(schemas) => Outcome::of(k8s_check::run(layout, ui, schemas).await),
                Err(why) => Outcome::Skipped(format!("{why:#}")),
            }
        };
        report.step("kubernetes objects", manifests).await;
        let settings = async { Outcome::of(configuration::check(layout)) };
        report.step("settings' reference", settings).await;
        let compose = compose_check::step(layout, ui, suite::is_ci());
        report.step("compose", compose).await;
    }
    servers.stop().await?;
    Ok(report.finish(counts))
}

/// The Python package with the schemas of Kubernetes' objects.
pub fn schemas(layout: &Layout, ui: Ui) -> Result<PathBuf> {
    mock_cluster::packages(layout, ui)
}

/// The steps that run no test; the cheap ones first.
async fn static_checks(
    report: &mut Report,
    layout: &Layout,
    ui: Ui,
    servers: &Servers,
) -> Result<()> {
    report.step("format", lints::format(layout)).await;
    report
        .step("dependencies", dependencies::rules(layout, ui))
        .await;
    report
        .step("unused dependencies", dependencies::unused(layout, ui))
        .await;
    report
        .step("advisories", dependencies::advisories(layout, ui))
        .await;
    let fresh = FreshCache::begin(layout, servers).await?;
    let linted = report.step("lints", lints::clippy(layout, &fresh)).await;
    let compared = async {
        match linted {
            Outcome::Passed(_) => Outcome::of(fresh.compare(layout)),
            _ => Outcome::Skipped("not all of the code was compiled".to_owned()),
        }
    };
    report.step("query cache", compared).await;
    Ok(())
}
