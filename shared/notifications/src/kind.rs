//! Every kind of notification: its channels, its group, and the members of its payload.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Kinds of mail that a player turns on and off together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Games, applications, invites, race names. On unless turned off.
    Lobby,
    /// New turns. Off unless turned on.
    Turns,
    /// Changes of the tier. On unless turned off.
    Account,
}

/// Whether and when a kind is mailed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailPolicy {
    /// Not at all.
    Never,
    /// If the player's preferences want mails of the group, outside of quiet hours.
    Preferred(Group),
    /// Always and at once: about the security of the account, or for operators.
    Always,
}

/// One kind of notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Also the name of its mail template and of its push event.
    pub name: &'static str,
    /// Whether players' connected devices get an event.
    pub push: bool,
    /// Whether and when it is mailed.
    pub mail: MailPolicy,
    /// The members that its payload must have.
    pub fields: &'static [&'static str],
}

impl Kind {
    /// The kind with this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }
}

const GAME: &[&str] = &["game_id", "game_name"];
const SEAT: &[&str] = &["game_id", "game_name", "race_name"];
const INCIDENT: &[&str] = &["game_id", "game_name", "incident"];
const LOBBY: MailPolicy = MailPolicy::Preferred(Group::Lobby);

const fn kind(
    name: &'static str,
    push: bool,
    mail: MailPolicy,
    fields: &'static [&'static str],
) -> Kind {
    Kind {
        name,
        push,
        mail,
        fields,
    }
}

/// The kind whose mails may be combined into a digest.
pub(crate) const TURN_READY: &str = "game.turn_ready";

/// All kinds.
pub const KINDS: &[Kind] = &[
    kind("lobby.invite.received", true, LOBBY, GAME),
    kind("lobby.invite.redeemed", true, MailPolicy::Never, GAME),
    kind("lobby.invite.declined", true, MailPolicy::Never, GAME),
    kind("lobby.invite.revoked", true, MailPolicy::Never, GAME),
    kind("lobby.invite.expired", true, MailPolicy::Never, GAME),
    kind("lobby.application.submitted", true, LOBBY, SEAT),
    kind("lobby.application.approved", true, LOBBY, SEAT),
    kind("lobby.application.rejected", true, LOBBY, SEAT),
    kind("lobby.membership.removed", true, LOBBY, SEAT),
    kind("lobby.membership.blocked", true, LOBBY, SEAT),
    kind("lobby.game.ready", true, LOBBY, GAME),
    kind(
        "lobby.game.start_failed",
        true,
        LOBBY,
        &["game_id", "game_name", "error"],
    ),
    kind("lobby.game.started", true, LOBBY, GAME),
    kind("lobby.game.cancelled", true, LOBBY, GAME),
    kind("lobby.game.finished", true, LOBBY, GAME),
    kind("lobby.game.paused", true, MailPolicy::Never, GAME),
    kind("lobby.game.resumed", true, MailPolicy::Never, GAME),
    kind(
        "game.turn_failed",
        true,
        LOBBY,
        &["game_id", "game_name", "turn", "error"],
    ),
    kind("game.engine_incident", true, LOBBY, INCIDENT),
    kind("game.engine_recovered", true, LOBBY, GAME),
    kind(
        TURN_READY,
        true,
        MailPolicy::Preferred(Group::Turns),
        &["game_id", "game_name", "turn"],
    ),
    kind(
        "lobby.race_name.pending",
        true,
        LOBBY,
        &["name", "expires_at"],
    ),
    kind("lobby.race_name.expired", true, LOBBY, &["name"]),
    kind(
        "lobby.race_name.registered",
        true,
        MailPolicy::Never,
        &["name"],
    ),
    kind(
        "account.sanction_applied",
        true,
        MailPolicy::Always,
        &["sanction_code"],
    ),
    kind(
        "account.sanction_removed",
        true,
        MailPolicy::Always,
        &["sanction_code"],
    ),
    kind(
        "account.entitlement_changed",
        true,
        MailPolicy::Preferred(Group::Account),
        &["tier"],
    ),
    kind(
        "session.new_device",
        false,
        MailPolicy::Always,
        &["device_session_id", "at"],
    ),
    kind(
        "runtime.engine_unreachable",
        false,
        MailPolicy::Always,
        GAME,
    ),
    kind("runtime.engine_recovered", false, MailPolicy::Always, GAME),
    kind(
        "runtime.engine_incident",
        false,
        MailPolicy::Always,
        INCIDENT,
    ),
    kind(
        "runtime.generation_failed",
        false,
        MailPolicy::Always,
        &["game_id", "game_name", "turn", "error"],
    ),
];

#[cfg(test)]
mod tests {
    use galaxy_core::Locale;
    use serde_json::{Map, Value};

    use super::*;

    fn sample(field: &str) -> Value {
        match field {
            "turn" => 7.into(),
            "expires_at" | "at" => "2026-01-15T12:00:00Z".into(),
            _ => "x".into(),
        }
    }

    #[test]
    fn every_mailed_kind_renders_in_every_language_from_its_fields() {
        for kind in KINDS.iter().filter(|kind| kind.mail != MailPolicy::Never) {
            let payload: Map<_, _> = kind
                .fields
                .iter()
                .map(|field| ((*field).to_owned(), sample(field)))
                .collect();
            for locale in Locale::ALL {
                galaxy_mail::templates::render(kind.name, locale, &payload).unwrap();
            }
        }
    }

    #[test]
    fn names_are_unique_and_every_kind_has_a_channel() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert!(kind.push || kind.mail != MailPolicy::Never, "{}", kind.name);
            assert_eq!(Kind::find(kind.name), Some(&KINDS[index]));
        }
    }
}
