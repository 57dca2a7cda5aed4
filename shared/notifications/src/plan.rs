//! Decides which channels a notification uses and when. Pure rules.

use galaxy_core::{EmailAddress, Locale, Timestamp, UserId, timezone};
use jiff::tz::TimeZone;

use crate::{
    intent::Recipient,
    kind::{Group, Kind, MailPolicy},
    preferences::Preferences,
};

/// What notifications need to know of an account.
#[derive(Debug, Clone)]
pub(crate) struct Contact {
    pub user_id: UserId,
    pub email: Option<EmailAddress>,
    pub display_name: String,
    pub locale: Locale,
    pub time_zone: String,
    pub preferences: Preferences,
    pub is_deleted: bool,
}

/// What happens with the mail of a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailPlan {
    /// The kind is not mailed.
    None,
    /// It is not sent, for this reason.
    Skip(&'static str),
    /// It is enqueued now.
    Send,
    /// It waits until then.
    Wait(Timestamp),
}

/// Whether the notification is pushed to devices.
pub(crate) fn pushes(kind: &Kind, recipient: Recipient) -> bool {
    kind.push && recipient.user_id().is_some()
}

/// Whether and when the notification is mailed. `contact` is `None` for operators.
pub(crate) fn mail(kind: &Kind, contact: Option<&Contact>, now: Timestamp) -> MailPlan {
    match (kind.mail, contact) {
        (MailPolicy::Never, _) => MailPlan::None,
        (_, Some(contact)) if contact.email.is_none() => {
            MailPlan::Skip("the address cannot be written to")
        }
        (MailPolicy::Preferred(group), Some(contact)) => preferred(group, contact, now),
        (MailPolicy::Preferred(_), None) | (MailPolicy::Always, _) => MailPlan::Send,
    }
}

fn preferred(group: Group, contact: &Contact, now: Timestamp) -> MailPlan {
    if !contact.preferences.wants(group) {
        return MailPlan::Skip("turned off in the settings");
    }
    let zone = timezone::find(&contact.time_zone).unwrap_or(TimeZone::UTC);
    match contact.preferences.waits_until(group, now, &zone) {
        Some(until) => MailPlan::Wait(until),
        None => MailPlan::Send,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn contact(settings: &Value) -> Contact {
        Contact {
            user_id: UserId::generate(),
            email: EmailAddress::parse("ada@example.org").ok(),
            display_name: "Ada".to_owned(),
            locale: Locale::En,
            time_zone: "UTC".to_owned(),
            preferences: Preferences::read(settings),
            is_deleted: false,
        }
    }

    #[test]
    fn preferences_and_quiet_hours_apply_to_all_kinds_but_security() {
        let noon = galaxy_testkit::noon();
        let one = noon + jiff::SignedDuration::from_hours(1);
        let quiet = json!({ "quiet_hours": { "from": "11:00", "to": "13:00" } });
        let off = json!({ "lobby_mail": false, "account_mail": false });
        let skipped = MailPlan::Skip("turned off in the settings");
        let cases = [
            ("lobby.game.started", json!({}), MailPlan::Send),
            ("lobby.game.started", off.clone(), skipped),
            ("lobby.game.started", quiet.clone(), MailPlan::Wait(one)),
            ("lobby.game.paused", json!({}), MailPlan::None),
            ("game.turn_failed", json!({}), MailPlan::Send),
            ("game.engine_incident", off.clone(), skipped),
            ("game.turn_ready", json!({}), skipped),
            (
                "game.turn_ready",
                json!({ "turns_mail": true }),
                MailPlan::Send,
            ),
            ("account.entitlement_changed", off.clone(), skipped),
            ("account.sanction_applied", off, MailPlan::Send),
            ("session.new_device", quiet, MailPlan::Send),
        ];
        for (kind, settings, wanted) in cases {
            let kind = Kind::find(kind).unwrap();
            assert_eq!(
                mail(kind, Some(&contact(&settings)), noon),
                wanted,
                "{} {settings}",
                kind.name
            );
        }
    }

    #[test]
    fn operators_are_mailed_and_never_pushed() {
        let kind = Kind::find("lobby.game.start_failed").unwrap();
        assert_eq!(mail(kind, None, galaxy_testkit::noon()), MailPlan::Send);
        assert!(!pushes(kind, Recipient::Operators));
        assert!(pushes(kind, Recipient::User(UserId::generate())));
    }

    #[test]
    fn an_account_whose_address_does_not_parse_is_not_mailed() {
        let mut unreachable = contact(&json!({}));
        unreachable.email = None;
        let kind = Kind::find("session.new_device").unwrap();
        let plan = mail(kind, Some(&unreachable), galaxy_testkit::noon());
        assert_eq!(plan, MailPlan::Skip("the address cannot be written to"));
    }
}
