//! Decides, without looking anywhere, by which ways a recipient is told.

use galaxy_core::{EmailAddress, Locale, Timestamp, UserId};
use jiff::tz::TimeZone;

use crate::{
    intent::Recipient,
    kind::{Kind, Mail},
    preferences::Preferences,
};

/// What is known of an account that can be told something.
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

/// What becomes of a notification's mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailPlan {
    /// There is none of this kind.
    None,
    /// It is not wanted; why.
    Skip(&'static str),
    /// It goes now.
    Send,
    /// It waits.
    Wait(Timestamp),
}

/// Whether devices are told.
pub(crate) fn pushes(kind: &Kind, recipient: Recipient) -> bool {
    kind.push && recipient.user_id().is_some()
}

/// Whether and when it is mailed. `contact` is `None` for operators.
pub(crate) fn mail(kind: &Kind, contact: Option<&Contact>, now: Timestamp) -> MailPlan {
    let group = match (kind.mail, contact) {
        (Mail::Never, _) => return MailPlan::None,
        (_, Some(contact)) if contact.email.is_none() => {
            return MailPlan::Skip("the address cannot be written to");
        }
        (Mail::Always, _) | (Mail::Preferred(_), None) => return MailPlan::Send,
        (Mail::Preferred(group), Some(_)) => group,
    };
    let Some(contact) = contact else {
        return MailPlan::Send;
    };
    if !contact.preferences.wants(group) {
        return MailPlan::Skip("turned off in the settings");
    }
    let zone = galaxy_core::timezone::find(&contact.time_zone).unwrap_or(TimeZone::UTC);
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
    fn preferences_and_quiet_hours_hold_for_all_but_what_is_about_safety() {
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
}
