//! `stack.json`: the addresses and credentials of a running stack, for scripts.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::secrets::write_private;

/// Addresses (URLs with scheme), credentials and process ids of a running stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackFile {
    /// REST of the api.
    pub api: String,
    /// The gateway's gRPC and gRPC-Web listener.
    pub gateway_grpc: String,
    /// The gateway's HTTP listener.
    pub gateway_http: String,
    /// The push stream's listener.
    pub push_hub: String,
    /// The inbox page, which speaks Mailpit's API.
    pub inbox: String,
    /// With credentials and database.
    pub postgres_url: String,
    pub nats_url: String,
    /// Authenticates gateways at api and push-hub.
    pub gateway_token: String,
    /// Ed25519 key that the gateway signs with, base64.
    pub gateway_public_key: String,
    /// The first administrator.
    pub admin: Admin,
    /// Operations listeners by process.
    pub ops: BTreeMap<String, String>,
    /// Process ids by process, with `postgres` and `nats` where the stack started them.
    pub pids: BTreeMap<String, u32>,
    /// The reference engine.
    pub engine: Engine,
}

/// Credentials for HTTP Basic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admin {
    pub user: String,
    pub password: String,
}

/// How engines run here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// `process` or `docker`.
    pub driver: String,
    /// Registered version of the reference engine.
    pub version: String,
}

impl StackFile {
    /// Writes it atomically, readable by its owner only: it holds credentials.
    pub fn write(&self, path: &Path) -> Result<()> {
        write_private(path, &serde_json::to_vec_pretty(self)?)
    }

    pub fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path)
            .with_context(|| format!("no running stack: cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_keys_that_scripts_rely_on() {
        let url = || "http://127.0.0.1:1".to_owned();
        let file = StackFile {
            api: url(),
            gateway_grpc: url(),
            gateway_http: url(),
            push_hub: url(),
            inbox: url(),
            postgres_url: url(),
            nats_url: url(),
            gateway_token: "t".into(),
            gateway_public_key: "k".into(),
            admin: Admin {
                user: "u".into(),
                password: "p".into(),
            },
            ops: BTreeMap::new(),
            pids: BTreeMap::new(),
            engine: Engine {
                driver: "process".into(),
                version: "0.1.0".into(),
            },
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stack.json");
        file.write(&path).unwrap();
        assert_eq!(StackFile::read(&path).unwrap(), file);
        let json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let keys: Vec<&str> = json
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut expected = vec![
            "api",
            "gateway_grpc",
            "gateway_http",
            "push_hub",
            "inbox",
            "postgres_url",
            "nats_url",
            "gateway_token",
            "gateway_public_key",
            "admin",
            "ops",
            "pids",
            "engine",
        ];
        expected.sort_unstable();
        let mut keys_sorted = keys.clone();
        keys_sorted.sort_unstable();
        assert_eq!(keys_sorted, expected);
    }
}
