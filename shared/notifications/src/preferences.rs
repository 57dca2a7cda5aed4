//! A player's preferences: which mails are wanted, and when they must wait.

use galaxy_core::Timestamp;
use jiff::{civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::kind::Group;

/// A player's choices, stored in the account's settings. An absent member has its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own in the settings"
)]
pub struct Preferences {
    /// Mails about games, applications, invites and race names. Default: true.
    pub lobby_mail: bool,
    /// Mails about new turns. Default: false.
    pub turns_mail: bool,
    /// Mails about the account's tier. Default: true. Mails about its security are always sent.
    pub account_mail: bool,
    /// Combine the mails about new turns into one a day. Default: false.
    pub turns_digest: bool,
    /// When mails wait, in the account's time zone. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
}

/// A part of the day; it spans midnight if `to` is before `from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// The first quiet minute, such as `22:00`.
    #[serde(with = "clock_time")]
    #[schema(value_type = String, example = "22:00", pattern = r"^([01]\d|2[0-3]):[0-5]\d$")]
    pub from: Time,
    /// The first minute after it, such as `07:00`. If it equals `from`, no time is quiet.
    #[serde(with = "clock_time")]
    #[schema(value_type = String, example = "07:00", pattern = r"^([01]\d|2[0-3]):[0-5]\d$")]
    pub to: Time,
}

/// The value is not a change of preferences; the message names the wrong member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPreferences(String);

/// Hour of the day at which digests are sent, in the account's time zone.
const DIGEST_HOUR: i8 = 18;

impl Default for Preferences {
    fn default() -> Self {
        Self {
            lobby_mail: true,
            turns_mail: false,
            account_mail: true,
            turns_digest: false,
            quiet_hours: None,
        }
    }
}

impl Preferences {
    /// Reads an account's settings. Members that this version cannot read have their defaults.
    pub fn read(settings: &Value) -> Self {
        let member = |name: &str| settings.get(name).cloned().unwrap_or(Value::Null);
        let flag = |name: &str, default: bool| member(name).as_bool().unwrap_or(default);
        let default = Self::default();
        Self {
            lobby_mail: flag("lobby_mail", default.lobby_mail),
            turns_mail: flag("turns_mail", default.turns_mail),
            account_mail: flag("account_mail", default.account_mail),
            turns_digest: flag("turns_digest", default.turns_digest),
            quiet_hours: serde_json::from_value(member("quiet_hours")).ok().flatten(),
        }
    }

    /// Checks a change by a player: an object of known members, in which `null` restores a default.
    pub fn check(change: &Value) -> Result<(), InvalidPreferences> {
        let Value::Object(members) = change else {
            return Err(InvalidPreferences("must be an object".to_owned()));
        };
        let set: serde_json::Map<_, _> = members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let known = Self::deserialize(Value::Object(set))
            .map_err(|error| InvalidPreferences(error.to_string()));
        let nulls = members.iter().filter(|(_, value)| value.is_null());
        for (name, _) in nulls {
            if !NAMES.contains(&name.as_str()) {
                return Err(InvalidPreferences(format!("unknown member {name:?}")));
            }
        }
        known.map(drop)
    }

    /// Whether the player wants mails of `group`.
    pub fn wants(&self, group: Group) -> bool {
        match group {
            Group::Lobby => self.lobby_mail,
            Group::Turns => self.turns_mail,
            Group::Account => self.account_mail,
        }
    }

    /// Until when a mail of `group` that is due `now` waits; `None` sends it at once.
    pub fn waits_until(&self, group: Group, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if group == Group::Turns && self.turns_digest {
            let digest = next(now, Time::constant(DIGEST_HOUR, 0, 0, 0), zone)?;
            return Some(self.end_of_quiet(digest, zone).unwrap_or(digest));
        }
        self.end_of_quiet(now, zone)
    }

    fn end_of_quiet(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let QuietHours { from, to } = self.quiet_hours?;
        let time = at.to_zoned(zone.clone()).time();
        let quiet = if from <= to {
            from <= time && time < to
        } else {
            from <= time || time < to
        };
        quiet.then(|| next(at, to, zone)).flatten()
    }
}

impl Group {
    /// The member of the preferences that turns the group's mails on and off.
    pub const fn preference(self) -> &'static str {
        match self {
            Self::Lobby => "lobby_mail",
            Self::Turns => "turns_mail",
            Self::Account => "account_mail",
        }
    }
}

const NAMES: [&str; 5] = [
    "lobby_mail",
    "turns_mail",
    "account_mail",
    "turns_digest",
    "quiet_hours",
];

/// The next instant after `after` at which clocks in `zone` show `time`, or would if the hour were not skipped.
fn next(after: Timestamp, time: Time, zone: &TimeZone) -> Option<Timestamp> {
    let today = after.to_zoned(zone.clone()).date();
    [today, today.tomorrow().ok()?]
        .into_iter()
        .filter_map(|date| {
            Some(
                date.to_datetime(time)
                    .to_zoned(zone.clone())
                    .ok()?
                    .timestamp()
                    .into(),
            )
        })
        .find(|at| *at > after)
}

/// `HH:MM`.
mod clock_time {
    use jiff::civil::Time;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature is serde's"
    )]
    pub(super) fn serialize<S: Serializer>(time: &Time, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&time.strftime("%H:%M"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Time, D::Error> {
        let text = String::deserialize(deserializer)?;
        let plain = text.len() == 5 && text.as_bytes()[2] == b':';
        plain
            .then(|| Time::strptime("%H:%M", &text).ok())
            .flatten()
            .ok_or_else(|| D::Error::custom("a time of day is written as 22:00"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn quiet(from: &str, to: &str) -> Preferences {
        Preferences::read(&json!({ "quiet_hours": { "from": from, "to": to } }))
    }

    #[test]
    fn absent_and_unreadable_members_have_their_defaults() {
        let odd = json!({ "turns_mail": true, "lobby_mail": "yes", "quiet_hours": { "from": "25:00", "to": "x" }, "new": 1 });
        let wanted = Preferences {
            turns_mail: true,
            ..Preferences::default()
        };
        assert_eq!(Preferences::read(&odd), wanted);
        assert_eq!(Preferences::read(&json!({})), Preferences::default());
    }

    #[test]
    fn a_change_has_known_members_only_and_null_restores_a_default() {
        for good in [
            json!({}),
            json!({ "turns_mail": true, "quiet_hours": null }),
            json!({ "quiet_hours": { "from": "22:00", "to": "07:30" } }),
        ] {
            assert_eq!(Preferences::check(&good), Ok(()), "{good}");
        }
        for bad in [
            json!([]),
            json!({ "mail": true }),
            json!({ "mail": null }),
            json!({ "turns_mail": "yes" }),
            json!({ "quiet_hours": { "from": "22:00" } }),
            json!({ "quiet_hours": { "from": "22:00", "to": "24:00" } }),
            json!({ "quiet_hours": { "from": "7:00", "to": "08:00" } }),
        ] {
            assert!(Preferences::check(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mails_wait_for_the_end_of_quiet_hours_in_the_players_time_zone() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let night = quiet("22:00", "07:00");
        for (now, wanted) in [
            ("2026-01-15T20:59:00Z", None),
            ("2026-01-15T21:00:00Z", Some("2026-01-16T06:00:00Z")),
            ("2026-01-16T05:59:59Z", Some("2026-01-16T06:00:00Z")),
            ("2026-01-16T06:00:00Z", None),
            // Clocks go forward that night: 07:00 is an hour earlier in UTC.
            ("2026-03-28T22:00:00Z", Some("2026-03-29T05:00:00Z")),
        ] {
            let found = night.waits_until(Group::Lobby, at(now), &berlin);
            assert_eq!(found, wanted.map(at), "{now}");
        }
        let noon = quiet("12:00", "12:30");
        let wait = noon.waits_until(Group::Lobby, at("2026-01-15T12:10:00Z"), &TimeZone::UTC);
        assert_eq!(wait, Some(at("2026-01-15T12:30:00Z")));
        let never = quiet("12:00", "12:00");
        assert_eq!(
            never.waits_until(Group::Lobby, at("2026-01-15T12:00:00Z"), &TimeZone::UTC),
            None
        );
    }

    #[test]
    fn a_digest_waits_for_the_evening_and_for_the_end_of_quiet_hours() {
        let mut digest = quiet("17:00", "19:00");
        digest.turns_digest = true;
        let now = at("2026-01-15T12:00:00Z");
        assert_eq!(
            digest.waits_until(Group::Turns, now, &TimeZone::UTC),
            Some(at("2026-01-15T19:00:00Z"))
        );
        assert_eq!(digest.waits_until(Group::Lobby, now, &TimeZone::UTC), None);
        let late = at("2026-01-15T20:00:00Z");
        assert_eq!(
            digest.waits_until(Group::Turns, late, &TimeZone::UTC),
            Some(at("2026-01-16T19:00:00Z"))
        );
    }
}
