//! A country database for a stack without a real one: the networks that are reserved for documentation
//! (RFC 5737, RFC 3849), so that countries can be tried out with `X-Forwarded-For` from this machine.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use ipnet::IpNet;
use mmdb_writer::Writer;
use serde_json::json;

/// Networks and their countries.
pub const NETWORKS: [(&str, &str); 4] = [
    ("192.0.2.0/24", "DE"),
    ("198.51.100.0/24", "US"),
    ("203.0.113.0/24", "JP"),
    ("2001:db8::/32", "FR"),
];

pub fn write(path: &Path) -> Result<()> {
    let mut writer = Writer::new("Galaxy-Example-Country");
    for (network, country) in NETWORKS {
        let network: IpNet = network.parse()?;
        writer.insert(network, &json!({ "country": { "iso_code": country } }))?;
    }
    fs::write(path, writer.to_bytes()?).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_can_be_looked_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("countries.mmdb");
        write(&path).unwrap();
        let reader = maxminddb::Reader::open_readfile(&path).unwrap();
        for (address, country) in [("203.0.113.7", "JP"), ("2001:db8::1", "FR")] {
            let found = reader.lookup(address.parse().unwrap()).unwrap();
            let code: Option<String> = found
                .decode_path(&maxminddb::path!["country", "iso_code"])
                .unwrap();
            assert_eq!(code.as_deref(), Some(country));
        }
    }
}
