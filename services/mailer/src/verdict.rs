//! What a failed attempt means for the mail: pure rules.

use std::time::Duration;

use galaxy_mail::finish::{Failure, Outcome};
use galaxy_service::Backoff;

use crate::relay::{SendError, Stage};

/// Waits after failures of a mail: 10 s to 1 h.
pub const RETRY: Backoff = Backoff::new(Duration::from_secs(10), Duration::from_hours(1));

/// The wait of a mail that found no relay. Short, since nothing is claimed anyway while the relay is away.
const RELAY_AWAY: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(2));

/// Whether the failure says nothing about this mail: the relay could not be reached or did not let us in.
pub fn is_relay_away(error: &SendError) -> bool {
    error.stage == Stage::Connect
}

/// Whether the relay will never take this mail. A refused sender is a matter of configuration and is tried again.
fn is_final(error: &SendError) -> bool {
    matches!(error.stage, Stage::Recipient | Stage::Content)
        && error.code.is_some_and(|code| (500..600).contains(&code))
}

/// The outcome of a failed attempt at a mail that has spent `attempts` of `max_attempts` before.
pub fn judge(error: &SendError, attempts: i32, max_attempts: u32) -> Outcome {
    let failure = Failure {
        code: error.code,
        error: error.reason.clone(),
    };
    let attempt = u32::try_from(attempts).unwrap_or(0).saturating_add(1);
    if is_relay_away(error) {
        Outcome::Retry {
            after: RELAY_AWAY.delay(1),
            spent: false,
            failure,
        }
    } else if is_final(error) || attempt >= max_attempts {
        Outcome::Dead(failure)
    } else {
        Outcome::Retry {
            after: RETRY.delay(attempt),
            spent: true,
            failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(stage: Stage, code: Option<u16>) -> SendError {
        SendError {
            stage,
            code,
            reason: "why".to_owned(),
        }
    }

    #[test]
    fn each_failure_has_its_verdict() {
        let cases = [
            // whatever happens before the mail begins is the relay's, even a refusal to sign us in
            (Stage::Connect, None, "free"),
            (Stage::Connect, Some(421), "free"),
            (Stage::Connect, Some(535), "free"),
            (Stage::Sender, Some(451), "spent"),
            (Stage::Sender, Some(550), "spent"),
            (Stage::Recipient, Some(450), "spent"),
            (Stage::Recipient, Some(421), "spent"),
            (Stage::Recipient, Some(550), "dead"),
            (Stage::Content, None, "spent"),
            (Stage::Content, Some(452), "spent"),
            (Stage::Content, Some(554), "dead"),
        ];
        for (stage, code, wanted) in cases {
            let found = match judge(&error(stage, code), 0, 8) {
                Outcome::Retry { spent: false, .. } => "free",
                Outcome::Retry { spent: true, .. } => "spent",
                Outcome::Dead(_) => "dead",
                other => panic!("{other:?}"),
            };
            assert_eq!(found, wanted, "{stage:?} {code:?}");
        }
    }

    #[test]
    fn waits_grow_and_the_last_attempt_is_the_last() {
        let greylisted = error(Stage::Recipient, Some(450));
        for attempts in 0..7 {
            let Outcome::Retry { after, .. } = judge(&greylisted, attempts, 8) else {
                panic!("given up after {attempts}");
            };
            let ceiling = Duration::from_secs(10) * 2_u32.pow(attempts.cast_unsigned());
            assert!(after <= ceiling && after >= ceiling / 2, "{after:?}");
        }
        assert!(matches!(judge(&greylisted, 7, 8), Outcome::Dead(_)));
    }

    #[test]
    fn an_outage_never_ends_a_mail() {
        let away = error(Stage::Connect, None);
        assert!(matches!(
            judge(&away, 7, 8),
            Outcome::Retry { spent: false, .. }
        ));
    }
}
