//! Keyed hashes of values that are compared but never read back, such as codes and throttled addresses.

use galaxy_service::Secret;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::Sha256;

/// HMAC-SHA-256 (RFC 2104) under the pepper, one namespace per purpose.
#[derive(Clone)]
pub struct Keys(Hmac<Sha256>);

impl Keys {
    /// Keyed with the pepper of the configuration.
    pub fn new(pepper: &Secret) -> anyhow::Result<Self> {
        Self::from_bytes(pepper.expose_secret().as_bytes())
    }

    /// Keyed with `key`, of any length.
    pub fn from_bytes(key: &[u8]) -> anyhow::Result<Self> {
        Hmac::new_from_slice(key)
            .map(Self)
            .map_err(|error| anyhow::anyhow!("the key of hashes cannot be used: {error}"))
    }

    /// The hash of `parts`. Purpose and parts go in with their lengths, so no two lists of parts read the same.
    pub fn hash(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_differ_by_key_purpose_and_split() {
        let keys = Keys::from_bytes(b"0123456789abcdef").unwrap();
        let one = keys.hash("code", &[b"ab", b"c"]);
        assert_eq!(one, keys.hash("code", &[b"ab", b"c"]));
        assert_ne!(one, keys.hash("code", &[b"a", b"bc"]));
        assert_ne!(one, keys.hash("other", &[b"ab", b"c"]));
        let other = Keys::from_bytes(b"another key here").unwrap();
        assert_ne!(one, other.hash("code", &[b"ab", b"c"]));
    }
}
