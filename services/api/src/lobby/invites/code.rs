//! Invite codes: 12 readable characters, 60 bits, kept as a keyed hash only and tried at a limited rate.

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

/// What is kept of a code. It is bound to its invite.
pub fn hash(keys: &Keys, invite: InviteId, code: &str) -> [u8; 32] {
    keys.hash(
        PURPOSE,
        &[invite.uuid().as_bytes(), readable(code).as_bytes()],
    )
}

/// Whether `code` is the one that `kept` was made of, in constant time.
pub fn matches(keys: &Keys, invite: InviteId, code: &str, kept: &[u8]) -> bool {
    hash(keys, invite, code).ct_eq(kept).into()
}

/// Takes a try before the code is looked at, so that racing guesses get none for free.
pub async fn take_try(lobby: &Lobby, player: UserId, now: Timestamp) -> Result<(), Error> {
    let mut connection = lobby.db.acquire().await?;
    let subject = lobby.keys.hash(TRIES.bucket, &[player.uuid().as_bytes()]);
    match throttle::take(&mut connection, &TRIES, &subject, now).await? {
        None => Ok(()),
        Some(wait) => Err(Error::TooMany(wait)),
    }
}

/// As a person may have written it down: case, spaces and hyphens do not count, look-alikes are what they look like.
fn readable(code: &str) -> String {
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
    fn a_code_opens_its_own_invite_however_it_is_written_down() {
        let keys = Keys::from_bytes(b"0123456789abcdef").unwrap();
        let (one, other) = (InviteId::generate(), InviteId::generate());
        let code = "70k1-m9qx 4tz0";
        let kept = hash(&keys, one, code);
        assert!(matches(&keys, one, "7OKL M9QX 4TZO", &kept));
        assert!(!matches(&keys, one, "70k1m9qx4tz1", &kept));
        assert!(!matches(&keys, other, code, &kept));
        assert_eq!(generate().len(), 12);
    }
}
