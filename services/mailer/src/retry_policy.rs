//! What a failed attempt means for the mail: tried again, when, or given up. Pure rules.

use std::time::Duration;

use galaxy_mail::finish::{Failure, Outcome};
use galaxy_service::Backoff;

use crate::smtp::{SendError, Stage};

/// Waits after failures of a mail: 10 s to 1 h.
pub const RETRY: Backoff = Backoff::new(Duration::from_secs(10), Duration::from_hours(1));

/// The wait while the server is unreachable. Short, since the breaker bounds how many mails are claimed.
const SERVER_UNREACHABLE: Backoff = Backoff::new(Duration::from_secs(2), Duration::from_secs(2));

/// Whether the failure concerns all mails: the server could not be reached or did not accept our credentials.
pub fn is_server_unreachable(error: &SendError) -> bool {
    error.stage == Stage::Connect
}

/// Whether the server will never accept this mail. A refused sender is a matter of configuration and is tried again.
fn is_permanent(error: &SendError) -> bool {
    matches!(error.stage, Stage::Recipient | Stage::Content)
        && error.code.is_some_and(|code| (500..600).contains(&code))
}

/// The outcome of a failed attempt at a mail that had `attempts` of `max_attempts` before.
pub fn outcome(error: &SendError, attempts: i32, max_attempts: u32) -> Outcome {
    let failure = Failure {
        code: error.code,
        error: error.reason.clone(),
    };
    let attempt = u32::try_from(attempts).unwrap_or(0).saturating_add(1);
    if is_server_unreachable(error) {
        Outcome::Retry {
            after: SERVER_UNREACHABLE.delay(1),
            spent: false,
            failure,
        }
    } else if is_permanent(error) || attempt >= max_attempts {
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

    #[derive(Debug, PartialEq)]
    enum Class {
        RetriedForFree,
        RetriedAtACost,
        Dead,
    }

    #[test]
    fn stage_and_code_decide_whether_a_mail_is_tried_again() {
        use Class::{Dead, RetriedAtACost, RetriedForFree};
        let cases = [
            // A failure before the mail transaction begins concerns the server, even refused credentials.
            (Stage::Connect, None, RetriedForFree),
            (Stage::Connect, Some(421), RetriedForFree),
            (Stage::Connect, Some(535), RetriedForFree),
            (Stage::Sender, Some(451), RetriedAtACost),
            (Stage::Sender, Some(550), RetriedAtACost),
            (Stage::Recipient, Some(450), RetriedAtACost),
            (Stage::Recipient, Some(421), RetriedAtACost),
            (Stage::Recipient, Some(550), Dead),
            (Stage::Content, None, RetriedAtACost),
            (Stage::Content, Some(452), RetriedAtACost),
            (Stage::Content, Some(554), Dead),
        ];
        for (stage, code, wanted) in cases {
            let found = match outcome(&error(stage, code), 0, 8) {
                Outcome::Retry { spent: false, .. } => RetriedForFree,
                Outcome::Retry { spent: true, .. } => RetriedAtACost,
                Outcome::Dead(_) => Dead,
                other => panic!("{other:?}"),
            };
            assert_eq!(found, wanted, "{stage:?} {code:?}");
        }
    }

    #[test]
    fn waits_double_and_the_last_attempt_ends_the_mail() {
        let greylisted = error(Stage::Recipient, Some(450));
        for attempts in 0..7 {
            let Outcome::Retry { after, .. } = outcome(&greylisted, attempts, 8) else {
                panic!("given up after {attempts}");
            };
            let ceiling = Duration::from_secs(10) * 2_u32.pow(attempts.cast_unsigned());
            assert!(after <= ceiling && after >= ceiling / 2, "{after:?}");
        }
        assert!(matches!(outcome(&greylisted, 7, 8), Outcome::Dead(_)));
    }

    #[test]
    fn an_unreachable_server_never_ends_a_mail() {
        let unreachable = error(Stage::Connect, None);
        assert!(matches!(
            outcome(&unreachable, 7, 8),
            Outcome::Retry { spent: false, .. }
        ));
    }
}
