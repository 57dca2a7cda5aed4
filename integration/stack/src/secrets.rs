//! The secrets of the stack: made on the first start, readable by their owner only, reused afterwards.

use std::{fmt, fs, io::Write, os::unix::fs::OpenOptionsExt, path::Path};

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use ed25519_dalek::SigningKey;
use galaxy_core::entropy;
use serde::{Deserialize, Serialize};

/// Secrets of one stack.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secrets {
    /// Authenticates gateways at api and push-hub.
    pub gateway_token: String,
    /// Key of the hashes of login codes.
    pub auth_pepper: String,
    /// The first administrator.
    pub admin_user: String,
    pub admin_password: String,
    /// Seed of the gateway's Ed25519 key, base64.
    pub gateway_signing_key: String,
    /// Password of Postgres' role, if the stack starts Postgres.
    pub postgres_password: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// Reads those in `path`, which are made first if there are none.
    pub fn load_or_make(path: &Path) -> Result<Self> {
        match fs::read(path) {
            Ok(text) => serde_json::from_slice(&text).with_context(|| {
                format!(
                    "{} is damaged; `cargo xtask down --wipe` forgets it",
                    path.display()
                )
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secrets = Self::make();
                write_private(path, &serde_json::to_vec_pretty(&secrets)?)?;
                Ok(secrets)
            }
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    pub fn make() -> Self {
        let mut rng = entropy::rng();
        Self {
            gateway_token: entropy::readable(&mut rng, 40),
            auth_pepper: BASE64_STANDARD.encode(entropy::bytes::<32>(&mut rng)),
            admin_user: "admin".to_owned(),
            admin_password: entropy::readable(&mut rng, 24),
            gateway_signing_key: BASE64_STANDARD.encode(entropy::bytes::<32>(&mut rng)),
            postgres_password: entropy::readable(&mut rng, 32),
        }
    }

    /// The public half of the gateway's key, base64.
    pub fn gateway_public_key(&self) -> Result<String> {
        let seed = BASE64_STANDARD.decode(&self.gateway_signing_key)?;
        let seed: [u8; 32] = seed
            .try_into()
            .ok()
            .context("the gateway's key is not 32 bytes")?;
        Ok(BASE64_STANDARD.encode(SigningKey::from_bytes(&seed).verifying_key()))
    }
}

/// Replaces a file atomically by one that only its owner may read.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let fresh = path.with_extension("new");
    let mut file = fs::File::options()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)
        .with_context(|| format!("cannot write {}", fresh.display()))?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_made_once_and_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets.json");
        let first = Secrets::load_or_make(&path).unwrap();
        let second = Secrets::load_or_make(&path).unwrap();
        assert_eq!(first.gateway_token, second.gateway_token);
        assert_eq!(
            first.gateway_public_key().unwrap(),
            second.gateway_public_key().unwrap()
        );
        assert_ne!(first.gateway_token, Secrets::make().gateway_token);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn damaged_secrets_are_reported_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets.json");
        fs::write(&path, "{").unwrap();
        assert!(Secrets::load_or_make(&path).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "{");
    }
}
