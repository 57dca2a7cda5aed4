//! All events: past tense, typed, versioned. Events carry ids and facts, never addresses, codes or keys.
//!
//! A consumer ignores fields it does not know. A change that an old consumer would misread is a new version.

use serde::{Serialize, de::DeserializeOwned};

pub mod account;
mod flatten;
pub mod lobby;
pub mod notification;
pub mod runtime;
pub mod session;

/// A fact that was committed.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `galaxy.<domain>.<name>.v<version>`, the CloudEvents type.
    const TYPE: &'static str;
    /// `galaxy.events.<domain>.<name>`, the subject it is published on.
    const SUBJECT: &'static str;
    /// The id of what it is about, the CloudEvents subject.
    fn about(&self) -> String;
}

/// An envelope's data is not what its type requires.
#[derive(Debug, thiserror::Error)]
#[error("the data of {event_type} is not what the type says: {reason}")]
pub struct Undecodable {
    /// The type that was named.
    pub event_type: String,
    /// What is wrong with the data.
    pub reason: String,
}

macro_rules! catalogue {
    ($($module:ident :: $event:ident = $domain:literal $name:literal $version:literal, about $($about:ident).+;)+) => {
        $(
            impl Event for $module::$event {
                const TYPE: &'static str = concat!("galaxy.", $domain, ".", $name, ".", $version);
                const SUBJECT: &'static str = concat!("galaxy.events.", $domain, ".", $name);

                fn about(&self) -> String {
                    self.$($about).+.to_string()
                }
            }
        )+

        /// Any event of the catalogue, for consumers that match on several.
        #[derive(Debug, Clone)]
        #[expect(missing_docs, reason = "each variant holds the documented struct of the same name")]
        pub enum AnyEvent {
            $($event($module::$event),)+
        }

        impl AnyEvent {
            /// The event in `data`; `None` for a type that this version does not know.
            pub fn decode(event_type: &str, data: &[u8]) -> Result<Option<Self>, Undecodable> {
                match event_type {
                    $(<$module::$event as Event>::TYPE => serde_json::from_slice(data)
                        .map(|event| Some(Self::$event(event)))
                        .map_err(|error| Undecodable {
                            event_type: event_type.to_owned(),
                            reason: error.to_string(),
                        }),)+
                    _ => Ok(None),
                }
            }
        }

        /// Type, subject and JSON schema of every event, for the generated document.
        pub fn schemas() -> Vec<(&'static str, &'static str, utoipa::openapi::RefOr<utoipa::openapi::Schema>)> {
            vec![$((
                <$module::$event as Event>::TYPE,
                <$module::$event as Event>::SUBJECT,
                flatten::flattened(<$module::$event as utoipa::PartialSchema>::schema()),
            ),)+]
        }

        /// The named schemas that those of [`schemas`] refer to.
        pub fn referenced_schemas() -> Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)> {
            let mut found = vec![];
            $(<$module::$event as utoipa::ToSchema>::schemas(&mut found);)+
            found
        }
    };
}

catalogue! {
    account::AccountCreated = "account" "created" "v1", about user_id;
    account::AccountDeleted = "account" "deleted" "v1", about user_id;
    account::AccountBlocked = "account" "blocked" "v1", about user_id;
    account::AccountUnblocked = "account" "unblocked" "v1", about user_id;
    account::EntitlementChanged = "account" "entitlement_changed" "v1", about user_id;
    account::SanctionApplied = "account" "sanction_applied" "v1", about user_id;
    account::SanctionRemoved = "account" "sanction_removed" "v1", about user_id;
    session::SessionCreated = "session" "created" "v1", about user_id;
    session::SessionRevoked = "session" "revoked" "v1", about user_id;
    lobby::GameOpened = "lobby" "game_opened" "v1", about roster.game.game_id;
    lobby::GameReady = "lobby" "game_ready" "v1", about roster.game.game_id;
    lobby::GameStarting = "lobby" "game_starting" "v1", about roster.game.game_id;
    lobby::GameStarted = "lobby" "game_started" "v1", about roster.game.game_id;
    lobby::GameStartFailed = "lobby" "game_start_failed" "v1", about roster.game.game_id;
    lobby::GamePaused = "lobby" "game_paused" "v1", about roster.game.game_id;
    lobby::GameResumed = "lobby" "game_resumed" "v1", about roster.game.game_id;
    lobby::GameCancelled = "lobby" "game_cancelled" "v1", about roster.game.game_id;
    lobby::GameFinished = "lobby" "game_finished" "v1", about roster.game.game_id;
    lobby::ApplicationSubmitted = "lobby" "application_submitted" "v1", about application.game.game_id;
    lobby::ApplicationApproved = "lobby" "application_approved" "v1", about application.game.game_id;
    lobby::ApplicationRejected = "lobby" "application_rejected" "v1", about application.game.game_id;
    lobby::InviteCreated = "lobby" "invite_created" "v1", about invite.game.game_id;
    lobby::InviteRedeemed = "lobby" "invite_redeemed" "v1", about invite.game.game_id;
    lobby::InviteDeclined = "lobby" "invite_declined" "v1", about invite.game.game_id;
    lobby::InviteRevoked = "lobby" "invite_revoked" "v1", about invite.game.game_id;
    lobby::InviteExpired = "lobby" "invite_expired" "v1", about invite.game.game_id;
    lobby::MembershipRemoved = "lobby" "membership_removed" "v1", about membership.game.game_id;
    lobby::MembershipBlocked = "lobby" "membership_blocked" "v1", about membership.game.game_id;
    lobby::RaceNamePending = "lobby" "race_name_pending" "v1", about user_id;
    lobby::RaceNameRegistered = "lobby" "race_name_registered" "v1", about user_id;
    lobby::RaceNameReleased = "lobby" "race_name_released" "v1", about user_id;
    runtime::OperationFinished = "runtime" "operation_finished" "v1", about game_id;
    runtime::RuntimeSnapshot = "runtime" "snapshot" "v1", about game_id;
    runtime::TurnGenerated = "runtime" "turn_generated" "v1", about game_id;
    runtime::GenerationFailed = "runtime" "generation_failed" "v1", about game_id;
    runtime::EngineUnreachable = "runtime" "engine_unreachable" "v1", about game_id;
    runtime::EngineRecovered = "runtime" "engine_recovered" "v1", about game_id;
    runtime::EngineIncident = "runtime" "engine_incident" "v1", about game_id;
    runtime::RuntimeGameFinished = "runtime" "game_finished" "v1", about game_id;
    notification::NotificationRequested = "notification" "requested" "v1", about kind;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_subjects_are_unique() {
        let mut types: Vec<_> = schemas()
            .into_iter()
            .map(|(event_type, ..)| event_type)
            .collect();
        let count = types.len();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), count);
    }

    #[test]
    fn types_and_subjects_have_the_same_domain_and_name() {
        for (event_type, subject, _) in schemas() {
            let (name, version) = event_type.rsplit_once('.').unwrap();
            let name = name.strip_prefix("galaxy.").unwrap();
            assert_eq!(subject, format!("galaxy.events.{name}"));
            assert_eq!(name.split('.').count(), 2, "{event_type}: <domain>.<name>");
            let number = version.strip_prefix('v').unwrap().parse::<u32>();
            assert!(number.is_ok_and(|number| number > 0), "{event_type}");
        }
    }

    #[test]
    fn an_event_is_about_the_id_in_its_data() {
        let game_id = galaxy_core::GameId::generate();
        let data = serde_json::json!({
            "game_id": game_id, "game_name": "a", "version": 3,
            "owner_user_id": galaxy_core::UserId::generate(), "member_user_ids": [],
        });
        let event: lobby::GameOpened = serde_json::from_value(data).unwrap();
        assert_eq!(event.about(), game_id.to_string());
    }

    #[test]
    fn an_event_that_cannot_be_decoded_names_its_type_and_the_reason() {
        let error = AnyEvent::decode(account::AccountCreated::TYPE, b"{}").unwrap_err();
        assert_eq!(error.event_type, account::AccountCreated::TYPE);
        assert!(error.reason.contains("user_id"), "{}", error.reason);
    }

    #[test]
    fn unknown_types_and_fields_are_ignored_and_broken_data_is_an_error() {
        assert!(
            AnyEvent::decode("galaxy.lobby.game_opened.v9", b"{}")
                .unwrap()
                .is_none()
        );
        let id = galaxy_core::UserId::generate();
        let data = format!(r#"{{"user_id":"{id}","new_field":1}}"#);
        let event = AnyEvent::decode(account::AccountCreated::TYPE, data.as_bytes()).unwrap();
        assert!(matches!(event, Some(AnyEvent::AccountCreated(created)) if created.user_id == id));
        assert!(AnyEvent::decode(account::AccountCreated::TYPE, b"{}").is_err());
    }
}
