//! Links that turn off a group of mails without signing in (RFC 8058).
//!
//! A token is the account, the group and an HMAC-SHA-256 over both, in base64url. It does not expire, since mails are kept.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use galaxy_core::UserId;
use galaxy_service::Secret;
use hmac::{Hmac, KeyInit, Mac, digest::Key};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{kind::Group, settings::Settings};

/// The path of the endpoint that takes tokens, below the public address.
pub const PATH: &str = "/api/v1/public/unsubscribe";

/// Separates these tokens from anything else that is signed with the same key.
const DOMAIN: &[u8] = b"galaxy unsubscribe v1";
const ID: usize = 16;

/// The token that turns off mails of `group` for `user_id`.
pub fn token(key: &Secret, user_id: UserId, group: Group) -> String {
    let mut bytes = message(user_id, group);
    let tag = mac(key, &bytes).finalize().into_bytes();
    bytes.extend_from_slice(&tag);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The account and the group of a token; `None` if it was not signed with `key`. Compares in constant time.
pub fn verify(key: &Secret, token: &str) -> Option<(UserId, Group)> {
    if token.len() > 100 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (claimed, tag) = bytes.split_at_checked(ID + 1)?;
    mac(key, claimed).verify_slice(tag).ok()?;
    let (id, group) = claimed.split_at_checked(ID)?;
    let group = GROUPS.into_iter().find(|known| [code(*known)] == group)?;
    Some((UserId(Uuid::from_slice(id).ok()?), group))
}

/// The link for a mail; `None` unless both the public address and the key are configured.
pub(crate) fn link(settings: &Settings, user_id: UserId, group: Group) -> Option<String> {
    let (url, key) = (
        settings.public_url.as_ref()?,
        settings.unsubscribe_key.as_ref()?,
    );
    Some(format!("{url}{PATH}?token={}", token(key, user_id, group)))
}

const GROUPS: [Group; 3] = [Group::Lobby, Group::Turns, Group::Account];

const fn code(group: Group) -> u8 {
    match group {
        Group::Lobby => b'l',
        Group::Turns => b't',
        Group::Account => b'a',
    }
}

fn message(user_id: UserId, group: Group) -> Vec<u8> {
    let mut bytes = user_id.uuid().as_bytes().to_vec();
    bytes.push(code(group));
    bytes
}

/// The key is hashed first, so that it may have any length.
fn mac(key: &Secret, message: &[u8]) -> Hmac<Sha256> {
    let mut block = Key::<Hmac<Sha256>>::default();
    let digest = Sha256::digest(key.expose_secret().as_bytes());
    block[..digest.len()].copy_from_slice(&digest);
    let mut mac = Hmac::<Sha256>::new(&block);
    mac.update(DOMAIN);
    mac.update(message);
    mac
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> Secret {
        Secret::from(text.to_owned())
    }

    #[test]
    fn a_token_names_its_account_and_group_under_its_key_only() {
        let user = UserId::generate();
        for group in GROUPS {
            let token = token(&key("k"), user, group);
            assert_eq!(verify(&key("k"), &token), Some((user, group)));
            assert_eq!(verify(&key("other"), &token), None);
        }
    }

    proptest! {
        #[test]
        fn other_texts_are_refused(text in "[A-Za-z0-9_-]{0,120}") {
            prop_assert_eq!(verify(&key("k"), &text), None);
        }

        #[test]
        fn a_changed_token_is_refused(position in 0_usize..65, with in "[A-Za-z0-9_-]") {
            let user = UserId::generate();
            let mut token = token(&key("k"), user, Group::Lobby);
            let before = token.clone();
            token.replace_range(position..=position, &with);
            let found = verify(&key("k"), &token);
            prop_assert!(found.is_none() || token == before);
        }
    }
}
