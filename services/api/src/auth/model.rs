//! Codes, keys and how often they may be tried. Pure rules.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use galaxy_core::{
    ChallengeId, OpenEnum, RevocationReason, Timestamp,
    text::{self, InvalidText},
};
use galaxy_proto::signing::{KeyError, parse_public_key};
use subtle::ConstantTimeEq;

use crate::{keys::Keys, throttle::Rule};

/// Tries per challenge.
pub const TRIES: i32 = 5;

/// A limit of hits in any window of a length.
#[derive(Debug, Clone, Copy)]
pub struct Allowance {
    pub most: u32,
    pub window: Duration,
}

impl Allowance {
    /// When a window that ends `now` began.
    pub fn began(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.window)
    }

    /// When a window that begins `now` ends.
    pub fn ends(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.window)
    }
}

/// Codes sent to one e-mail address: all three hold.
pub const CODES_PER_EMAIL: [Allowance; 3] = [
    Allowance {
        most: 1,
        window: Duration::from_mins(1),
    },
    Allowance {
        most: 5,
        window: Duration::from_hours(1),
    },
    Allowance {
        most: 20,
        window: Duration::from_hours(24),
    },
];

/// Codes requested from one source address, those included that were not sent.
pub const fn codes_per_address(limit: u32) -> Rule {
    Rule {
        bucket: "auth.code.address",
        limit,
        window: Duration::from_hours(1),
    }
}

/// Wrong codes for one e-mail address over all its challenges, so that many challenges do not give an attacker more tries.
pub const WRONG_CODES: Rule = Rule {
    bucket: "auth.wrong.email",
    limit: 15,
    window: Duration::from_hours(1),
};

/// The stored hash of a code.
pub fn code_hash(keys: &Keys, challenge: ChallengeId, code: &str) -> [u8; 32] {
    keys.hash("auth.code", &[challenge.uuid().as_bytes(), code.as_bytes()])
}

/// Compares two hashes in constant time.
pub fn same_hash(stored: &[u8], given: &[u8; 32]) -> bool {
    stored.ct_eq(given).into()
}

/// The device's Ed25519 key: base64 (RFC 4648, padded) of a key that the gateway takes too
/// ([`parse_public_key`]): 32 bytes, canonical, not weak.
pub fn public_key(text: &str) -> Result<[u8; 32], &'static str> {
    const SHAPE: &str = "must be base64 of 32 bytes";
    if text.len() > 64 {
        return Err(SHAPE);
    }
    let bytes = STANDARD.decode(text).map_err(|_| SHAPE)?;
    match parse_public_key(&bytes) {
        Ok(key) => Ok(key.to_bytes()),
        Err(KeyError::Length) => Err(SHAPE),
        Err(KeyError::Weak) => Err("must not be a weak Ed25519 key"),
        Err(KeyError::NotAPoint) => Err("must be an Ed25519 public key"),
    }
}

/// Checks the reason for a revocation: 1–200 characters on one line.
pub fn revoke_reason(reason: &str) -> Result<OpenEnum<RevocationReason>, InvalidText> {
    let reason = text::line(reason, 1, 200)?;
    if reason.chars().count() > 200 {
        return Err(InvalidText::Length { min: 1, max: 200 });
    }
    let Ok(reason) = reason.parse();
    Ok(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_for_its_own_challenge_only() {
        let keys = Keys::from_bytes(b"0123456789abcdef").unwrap();
        let (one, other) = (ChallengeId::generate(), ChallengeId::generate());
        let stored = code_hash(&keys, one, "123456");
        assert!(same_hash(&stored, &code_hash(&keys, one, "123456")));
        assert!(!same_hash(&stored, &code_hash(&keys, one, "123457")));
        assert!(!same_hash(&stored, &code_hash(&keys, other, "123456")));
        assert!(!same_hash(&stored[..31], &code_hash(&keys, one, "123456")));
    }

    #[test]
    fn keys_of_another_length_off_the_curve_or_of_small_order_are_refused() {
        let good = ed25519_dalek::SigningKey::from_bytes(&[7; 32]).verifying_key();
        assert_eq!(public_key(&STANDARD.encode(good)), Ok(good.to_bytes()));
        for length in [0, 31, 33, 64] {
            assert!(
                public_key(&STANDARD.encode(vec![1; length])).is_err(),
                "{length} bytes"
            );
        }
        assert!(public_key("not base64!").is_err());
        let (mut one, mut off_curve) = ([0; 32], [0; 32]);
        one[0] = 1;
        off_curve[0] = 2;
        for weak in [[0; 32], one, off_curve, [0xff; 32]] {
            assert!(public_key(&STANDARD.encode(weak)).is_err(), "{weak:?}");
        }
    }
}
