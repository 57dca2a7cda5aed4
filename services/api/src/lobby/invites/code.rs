//! Invite codes: 12 readable characters, 60 bits. Only a keyed hash is stored, and tries are limited.

use std::time::Duration;

use galaxy_core::{InviteId, Timestamp, UserId, entropy};
use subtle::ConstantTimeEq;

use crate::{
    keys::Keys,
    lobby::{Lobby, refusal::Error},
    throttle::{self, Rule},
};

const LENGTH: usize = 12;
const PURPOSE: &str = "lobby.invite_code";
/// Tries of one player, right and wrong ones alike.
const TRIES: Rule = Rule {
    bucket: "lobby.invite_code.player",
    limit: 10,
    window: Duration::from_mins(10),
};

/// A new code.
pub fn generate() -> String {
    entropy::readable(&mut entropy::rng(), LENGTH)
}

/// The hash that is stored of a code. It depends on the invite.
pub fn hash(keys: &Keys, invite: InviteId, code: &str) -> [u8; 32] {
    keys.hash(
        PURPOSE,
        &[invite.uuid().as_bytes(), normalised(code).as_bytes()],
    )
}

/// Whether `stored` is the hash of `code`, in constant time.
pub fn matches(keys: &Keys, invite: InviteId, code: &str, stored: &[u8]) -> bool {
    hash(keys, invite, code).ct_eq(stored).into()
}

/// Counts a try before the code is compared, so that concurrent guesses are all counted.
pub async fn take_try(lobby: &Lobby, player: UserId, now: Timestamp) -> Result<(), Error> {
    let mut connection = lobby.db.acquire().await?;
    let subject = lobby.keys.hash(TRIES.bucket, &[player.uuid().as_bytes()]);
    match throttle::take(&mut connection, &TRIES, &subject, now).await? {
        None => Ok(()),
        Some(wait) => Err(Error::TooMany(wait)),
    }
}

/// Normalises a typed code: no case, spaces or hyphens; `o` is `0`, `i` and `l` are `1`.
fn normalised(code: &str) -> String {
    code.chars()
        .take(64)
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_matches_its_own_invite_in_any_spelling() {
        let keys = Keys::from_bytes(b"0123456789abcdef").unwrap();
        let (one, other) = (InviteId::generate(), InviteId::generate());
        let code = "70k1-m9qx 4tz0";
        let stored = hash(&keys, one, code);
        assert!(matches(&keys, one, "7OKL M9QX 4TZO", &stored));
        assert!(!matches(&keys, one, "70k1m9qx4tz1", &stored));
        assert!(!matches(&keys, other, code, &stored));
        assert_eq!(generate().len(), 12);
    }
}
