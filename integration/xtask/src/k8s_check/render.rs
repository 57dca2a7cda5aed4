//! Rendering an overlay, and validating what came out.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use galaxy_stack::Layout;
use tempfile::TempDir;
use tokio::process::Command;

/// Versions of Kubernetes whose schemas are asked: the oldest that is supported up to the newest that is known.
const VERSIONS: std::ops::RangeInclusive<u32> = 29..=37;

/// What `api init-secrets` makes for `overlays/local`; only the names matter here.
const SECRETS: [&str; 11] = [
    "backend/postgres-url",
    "backend/nats-credentials",
    "backend/gateway-token",
    "backend/unsubscribe-key",
    "backend/auth-pepper",
    "backend/admin-password",
    "gateway/signing-key",
    "owner/postgres-url",
    "owner/runtime-password",
    "postgres/password",
    "nats/auth.conf",
];

/// A rendered overlay: its text, and the file that holds it.
pub struct Rendered {
    pub text: String,
    directory: TempDir,
}

/// Renders a copy of `k8s/`, so that nothing is written into the checkout.
pub async fn overlay(layout: &Layout, kubectl: &Path, overlay: &str) -> Result<Rendered> {
    let directory = tempfile::tempdir()?;
    let copy = directory.path().join("k8s");
    copy_tree(&layout.root().join("k8s"), &copy)?;
    let secrets = copy.join("overlays/local/secrets");
    for reader in ["backend", "gateway", "owner", "postgres", "nats"] {
        fs::create_dir_all(secrets.join(reader))?;
    }
    for secret in SECRETS {
        fs::write(secrets.join(secret), "for rendering only")?;
    }
    let output = Command::new(kubectl)
        .arg("kustomize")
        .arg(copy.join("overlays").join(overlay))
        .kill_on_drop(true)
        .output()
        .await
        .context("kubectl cannot be run")?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr);
        bail!("k8s/overlays/{overlay} cannot be rendered: {}", why.trim());
    }
    let text = String::from_utf8(output.stdout).context("kustomize gave no UTF-8")?;
    fs::write(directory.path().join("rendered.yaml"), &text)?;
    Ok(Rendered { text, directory })
}

/// What the schemas refuse, unknown fields included; one line an object and version.
pub async fn invalid(rendered: &Rendered, schemas: &Path) -> Result<Vec<String>> {
    let mut wrong = vec![];
    for minor in VERSIONS {
        let output = Command::new("python3")
            .args([
                "-m",
                "kubernetes_validate",
                "--strict",
                "--quiet",
                "--no-warn",
            ])
            .args(["-k", &format!("1.{minor}")])
            .arg(rendered.directory.path().join("rendered.yaml"))
            .env("PYTHONPATH", schemas)
            .kill_on_drop(true)
            .output()
            .await
            .context("python3 cannot be run")?;
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).trim().to_owned();
            wrong.push(format!("the schemas of 1.{minor} refuse it: {said}"));
        }
    }
    Ok(wrong)
}

fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
