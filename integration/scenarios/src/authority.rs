//! A private certificate authority, made by the command `openssl`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

/// An authority in a directory of its own, with the certificates that it signed.
pub struct Authority(TempDir);

impl Authority {
    pub fn new() -> Result<Self> {
        let authority = Self(tempfile::tempdir()?);
        authority.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=authority \
             -keyout ca-key.pem -out ca.pem",
        )?;
        Ok(authority)
    }

    /// Signs a certificate of a server on this machine: its files are [`Authority::certificate`] and [`Authority::key`] of
    /// `name`.
    pub fn sign_server(&self, name: &str) -> Result<()> {
        self.sign(name, "subjectAltName=IP:127.0.0.1,DNS:localhost")
    }

    /// The same of a client.
    pub fn sign_client(&self, name: &str) -> Result<()> {
        self.sign(name, "extendedKeyUsage=clientAuth")
    }

    /// The authority's own certificate.
    pub fn root(&self) -> PathBuf {
        self.path("ca.pem")
    }

    pub fn certificate(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.pem"))
    }

    pub fn key(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}-key.pem"))
    }

    fn sign(&self, name: &str, extension: &str) -> Result<()> {
        std::fs::write(self.path("extension"), extension)?;
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} \
             -keyout {name}-key.pem -out {name}.csr"
        ))?;
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 \
             -extfile extension -out {name}.pem"
        ))
    }

    fn openssl(&self, arguments: &str) -> Result<()> {
        let made = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.0.path())
            .output()
            .context("the command openssl makes certificates: install it")?;
        let error = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "openssl {arguments}: {error}");
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.0.path()).join(name)
    }
}
