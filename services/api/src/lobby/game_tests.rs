use galaxy_testkit::noon;
use jiff::SignedDuration;

use super::{Action as A, GameStatus as S, *};

/// Every pair that is allowed; all others are refused.
const ALLOWED: [(S, A, S); 17] = [
    (S::Draft, A::Open, S::EnrollmentOpen),
    (S::Draft, A::Cancel, S::Cancelled),
    (S::EnrollmentOpen, A::Ready, S::ReadyToStart),
    (S::EnrollmentOpen, A::Cancel, S::Cancelled),
    (S::EnrollmentOpen, A::ForceStart, S::Starting),
    (S::ReadyToStart, A::Start, S::Starting),
    (S::ReadyToStart, A::ForceStart, S::Starting),
    (S::ReadyToStart, A::Cancel, S::Cancelled),
    (S::Starting, A::Started, S::Running),
    (S::Starting, A::StartFailed, S::StartFailed),
    (S::Starting, A::ForceStop, S::Finished),
    (S::StartFailed, A::RetryStart, S::Starting),
    (S::StartFailed, A::ForceStart, S::Starting),
    (S::StartFailed, A::Cancel, S::Cancelled),
    (S::Running, A::Pause, S::Paused),
    (S::Running, A::Finish, S::Finished),
    (S::Running, A::ForceStop, S::Finished),
];
const ALLOWED_IN_PAUSE: [(S, A, S); 3] = [
    (S::Paused, A::Resume, S::Running),
    (S::Paused, A::Finish, S::Finished),
    (S::Paused, A::ForceStop, S::Finished),
];

fn game(status: S) -> Game {
    Game {
        status,
        approved_count: 2,
        enrollment_ends_at: noon(),
        ..Game::example()
    }
}

fn act(game: &mut Game, action: A) -> Result<(), Refusal> {
    let before = noon() - SignedDuration::from_secs(1);
    match action {
        A::Open => game.open(before),
        A::Ready => game.make_ready(),
        A::Start | A::RetryStart | A::ForceStart => game.start(action),
        A::Started => game.started(noon()),
        A::StartFailed => game.start_failed("init_rejected"),
        A::Pause => game.pause("owner"),
        A::Resume => game.resume(),
        A::Cancel => game.cancel(noon()),
        A::Finish | A::ForceStop => game.finish(action, noon()),
    }
}

#[test]
fn only_the_listed_transitions_are_allowed() {
    for status in S::ALL {
        for action in A::ALL {
            let mut game = game(status);
            let expected = ALLOWED
                .iter()
                .chain(&ALLOWED_IN_PAUSE)
                .find(|(s, a, _)| (*s, *a) == (status, action))
                .map(|(.., after)| *after);
            match (act(&mut game, action), expected) {
                (Ok(()), Some(after)) => assert_eq!(game.status, after, "{status:?} {action:?}"),
                (Err(refusal), None) => {
                    assert_eq!(refusal, Refusal::InvalidTransition { status, action });
                    assert_eq!(game.status, status);
                }
                (got, _) => panic!("{status:?} {action:?}: {got:?}, expected {expected:?}"),
            }
        }
    }
}

#[test]
fn a_game_is_neither_ready_nor_started_below_its_minimum_but_by_force() {
    for (status, action) in [
        (S::EnrollmentOpen, A::Ready),
        (S::ReadyToStart, A::Start),
        (S::StartFailed, A::RetryStart),
    ] {
        let mut game = Game {
            approved_count: 1,
            ..game(status)
        };
        let refusal = Refusal::NotEnoughPlayers {
            approved: 1,
            min: 2,
        };
        assert_eq!(act(&mut game, action), Err(refusal), "{action:?}");
    }
    let mut alone = Game {
        approved_count: 1,
        ..game(S::EnrollmentOpen)
    };
    assert_eq!(act(&mut alone, A::ForceStart), Ok(()));
    let mut nobody = Game {
        approved_count: 0,
        ..game(S::EnrollmentOpen)
    };
    assert_eq!(act(&mut nobody, A::ForceStart), Err(Refusal::EmptyRoster));
}

#[test]
fn enrollment_opens_and_takes_applications_only_before_its_end() {
    assert_eq!(game(S::Draft).open(noon()), Err(Refusal::EnrollmentEnded));
    let open = game(S::EnrollmentOpen);
    assert_eq!(
        open.check_applications(noon()),
        Err(Refusal::EnrollmentEnded)
    );
    let earlier = noon() - SignedDuration::from_secs(1);
    assert_eq!(open.check_applications(earlier), Ok(()));
    let private = Game {
        visibility: Visibility::Private,
        ..open
    };
    assert_eq!(
        private.check_applications(earlier),
        Err(Refusal::InviteOnly)
    );
}

#[test]
fn players_are_admitted_up_to_the_maximum_and_only_while_enrolling() {
    let mut game = Game {
        max_players: 3,
        ..game(S::EnrollmentOpen)
    };
    assert_eq!(game.admit(), Ok(()));
    assert_eq!(game.admit(), Err(Refusal::RosterFull { max: 3 }));
    assert_eq!(game.approved_count, 3);
    for status in S::ALL.into_iter().filter(|s| *s != S::EnrollmentOpen) {
        let mut game = Game {
            status,
            ..game.clone()
        };
        assert_eq!(game.admit(), Err(Refusal::EnrollmentClosed { status }));
    }
}

#[test]
fn players_leave_until_the_game_is_over() {
    for status in S::ALL {
        let mut game = game(status);
        assert_eq!(game.dismiss().is_err(), status.is_over(), "{status:?}");
    }
}

#[test]
fn the_allowed_calls_of_a_status_are_named() {
    assert_eq!(S::Draft.allowed(), ["open-enrollment", "cancel"]);
    assert_eq!(S::Paused.allowed(), ["resume"]);
    assert!(S::Finished.allowed().is_empty());
}
