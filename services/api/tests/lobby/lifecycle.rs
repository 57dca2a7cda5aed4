//! From draft to running and back, by the owner and by the runtime.

use galaxy_core::{FailureCode, RuntimeStatus, UserId};
use galaxy_events::{
    Verdict,
    catalogue::lobby::{
        ApplicationRejected, GameCancelled, GameOpened, GamePaused, GameReady, GameResumed,
        GameStartFailed, GameStarted, GameStarting, InviteRevoked, RaceNameReleased,
    },
};
use serde_json::json;
use sqlx::PgPool;

use crate::support::{Lobby, generation_failed, snapshot, start_failed, started};

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_goes_from_draft_to_running_with_an_event_for_each_step(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, members) = lobby.running_game(owner, "Zorg").await;
    assert_eq!(lobby.status(game).await, "running");

    let starting = lobby.world.events::<GameStarting>().await;
    let members_of = |users: &[UserId]| users.to_vec();
    assert_eq!(starting[0].roster.member_user_ids, members_of(&members));
    let started = lobby.world.events::<GameStarted>().await;
    assert_eq!(started.len(), 1);
    assert!(started[0].roster.game.version > starting[0].roster.game.version);
    assert_eq!(lobby.world.events::<GameOpened>().await.len(), 1);
    assert_eq!(
        lobby.world.events::<GameReady>().await[0]
            .roster
            .game
            .owner_user_id,
        owner
    );

    let roster: serde_json::Value = sqlx::query_scalar(
        "select params -> 'roster' from backend.runtime_operation_log where game_id = $1 and op = 'start'",
    )
    .bind(game.uuid())
    .fetch_one(lobby.world.db.pool())
    .await
    .unwrap();
    assert_eq!(roster[0]["race_name"], "Zorg ones");
    assert_eq!(roster[1]["user_id"], members[1].to_string());
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_game_below_its_minimum_is_neither_ready_nor_started(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let player = lobby.player().await;
    lobby.join(owner, player, game, "Zorgons").await;
    lobby
        .act(owner, &format!("/lobby/games/{game}/ready-to-start"))
        .await
        .refused(409, "not_enough_players");
    assert_eq!(lobby.status(game).await, "enrollment_open");
    lobby
        .act(owner, &format!("/lobby/games/{game}/start"))
        .await
        .refused(409, "invalid_transition");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_wrong_transition_names_the_state_and_what_is_allowed(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.draft(owner, json!({})).await;
    let answer = lobby
        .act(owner, &format!("/lobby/games/{game}/start"))
        .await
        .expect(409);
    assert_eq!(answer["error"]["code"], "invalid_transition");
    let message = answer["error"]["message"].as_str().unwrap();
    for word in ["draft", "open-enrollment", "cancel"] {
        assert!(message.contains(word), "{message}");
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn enrollment_does_not_open_after_its_end(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.draft(owner, json!({})).await;
    lobby
        .world
        .clock
        .advance(jiff::SignedDuration::from_hours(25));
    lobby
        .act(owner, &format!("/lobby/games/{game}/open-enrollment"))
        .await
        .refused(409, "enrollment_ended");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn only_the_owner_changes_the_status_of_a_game(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, [member, _]) = lobby.running_game(owner, "Zorg").await;
    let stranger = lobby.player().await;
    for player in [member, stranger] {
        for action in [
            "open-enrollment",
            "ready-to-start",
            "start",
            "pause",
            "resume",
            "cancel",
            "retry-start",
        ] {
            lobby
                .act(player, &format!("/lobby/games/{game}/{action}"))
                .await
                .refused(403, "not_owner");
        }
    }
    assert_eq!(lobby.status(game).await, "running");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_failed_start_is_shown_with_its_reason_and_can_be_retried(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    for race in ["Alphas", "Betas"] {
        let player = lobby.player().await;
        lobby.join(owner, player, game, race).await;
    }
    let act = async |action: &str| {
        lobby
            .act(owner, &format!("/lobby/games/{game}/{action}"))
            .await
    };
    act("ready-to-start").await.expect(200);
    act("start").await.expect(202);
    lobby.runtime_is(game, "start_failed").await;
    sqlx::query("delete from backend.runtime_operation_log")
        .execute(lobby.world.db.pool())
        .await
        .unwrap();
    lobby
        .apply_event(&start_failed(game, FailureCode::ImagePullFailed))
        .await;
    let view = lobby
        .get(owner, &format!("/lobby/games/{game}"))
        .await
        .expect(200);
    assert_eq!(view["status"], "start_failed");
    assert_eq!(view["start_failure"], "image_pull_failed");
    let told = lobby.world.events::<GameStartFailed>().await;
    assert_eq!(told[0].error, FailureCode::ImagePullFailed);
    assert!(told[0].engine_version.is_some());

    let again = act("retry-start").await.expect(202);
    assert_eq!(again["status"], "starting");
    assert!(again["start_failure"].is_null());
    lobby.apply_event(&started(game)).await;
    assert_eq!(lobby.status(game).await, "running");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn cancelling_closes_what_was_open_and_frees_the_names(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let game = lobby.open_game(owner, json!({})).await;
    let (member, applicant, invitee) = (
        lobby.player().await,
        lobby.player().await,
        lobby.player().await,
    );
    lobby.join(owner, member, game, "Alphas").await;
    lobby.apply(applicant, game, "Betas").await;
    lobby
        .post(
            owner,
            &format!("/lobby/games/{game}/invites"),
            json!({"invited_user_id": invitee}),
        )
        .await
        .expect(201);
    lobby
        .act(owner, &format!("/lobby/games/{game}/cancel"))
        .await
        .expect(200);
    assert_eq!(lobby.held_names().await, 0);
    let released = lobby.world.events::<RaceNameReleased>().await;
    assert_eq!((released[0].user_id, released[0].expired), (member, false));
    let rejected = lobby.world.events::<ApplicationRejected>().await;
    assert_eq!(rejected[0].application.applicant_user_id, applicant);
    let revoked = lobby.world.events::<InviteRevoked>().await;
    assert_eq!(revoked[0].invite.invited_user_id, Some(invitee));
    let cancelled = lobby.world.events::<GameCancelled>().await;
    assert_eq!(cancelled[0].roster.member_user_ids, [member]);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_running_game_is_paused_and_resumed_with_its_schedule(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    let act = async |action: &str| {
        lobby
            .act(owner, &format!("/lobby/games/{game}/{action}"))
            .await
    };
    let paused = act("pause").await.expect(200);
    assert_eq!(paused["pause_reason"], "owner");
    assert_eq!(due(&lobby).await, 0, "no turn is due");
    act("pause").await.refused(409, "invalid_transition");
    let resumed = act("resume").await.expect(200);
    assert_eq!(resumed["status"], "running");
    assert!(resumed["pause_reason"].is_null());
    assert_eq!(due(&lobby).await, 1);
    assert_eq!(lobby.world.events::<GamePaused>().await.len(), 1);
    assert_eq!(lobby.world.events::<GameResumed>().await.len(), 1);
    act("cancel").await.refused(409, "invalid_transition");
}

async fn due(lobby: &Lobby) -> i64 {
    lobby
        .world
        .count("select count(*) from backend.runtime_records where next_turn_at is not null")
        .await
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_failed_turn_pauses_the_game(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, members) = lobby.running_game(owner, "Zorg").await;
    let event = generation_failed(game, 5);
    lobby.apply_event(&event).await;
    assert_eq!(lobby.status(game).await, "paused");
    let paused = lobby.world.events::<GamePaused>().await;
    assert_eq!(paused[0].roster.member_user_ids, members);
    assert_eq!(paused[0].reason.as_deref(), Some("generation_failed"));
    let failure = paused[0].failure.as_ref().unwrap();
    assert_eq!(
        (failure.turn, failure.engine_version.as_deref()),
        (2, Some("1.4.2"))
    );
    assert_eq!(lobby.apply_event(&event).await, Verdict::Done);
    assert_eq!(
        lobby.world.events::<GamePaused>().await.len(),
        1,
        "told once"
    );
}

/// The version of the game's runtime record.
async fn runtime_version(lobby: &Lobby) -> i64 {
    lobby
        .world
        .count("select version from backend.runtime_records")
        .await
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_failed_turn_that_is_told_after_pause_and_resume_does_not_pause_again(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    let failure = generation_failed(game, runtime_version(&lobby).await);
    for action in ["pause", "resume"] {
        let path = format!("/lobby/games/{game}/{action}");
        lobby.act(owner, &path).await.expect(200);
    }
    assert_eq!(lobby.apply_event(&failure).await, Verdict::Done);
    assert_eq!(lobby.status(game).await, "running");
    let next = generation_failed(game, runtime_version(&lobby).await + 1);
    lobby.apply_event(&next).await;
    assert_eq!(lobby.status(game).await, "paused", "a new failure counts");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_failed_turn_counts_when_newer_news_say_that_the_schedule_still_stands(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    let mut view = snapshot(game, 8, 3);
    view.runtime_status = RuntimeStatus::GenerationFailed.into();
    lobby.apply_event(&view).await;
    lobby.apply_event(&generation_failed(game, 7)).await;
    assert_eq!(lobby.status(game).await, "paused");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn resuming_heals_whatever_lobby_and_runtime_disagree_about(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    let resume = format!("/lobby/games/{game}/resume");
    lobby.apply_event(&generation_failed(game, 50)).await;
    assert_eq!(lobby.status(game).await, "paused");
    let view = lobby.act(owner, &resume).await.expect(200);
    assert_eq!(view["status"], "running", "the runtime ran already");

    sqlx::query("update backend.runtime_records set status = 'paused', paused_at = now(), next_turn_at = null")
        .execute(lobby.world.db.pool())
        .await
        .unwrap();
    lobby.act(owner, &resume).await.expect(200);
    assert_eq!(due(&lobby).await, 1, "the lobby ran already");
    lobby
        .act(owner, &resume)
        .await
        .refused(409, "invalid_transition");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn only_newer_snapshots_change_the_runtime_view(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    for (version, turn) in [(7, 3), (6, 2), (7, 9)] {
        lobby.apply_event(&snapshot(game, version, turn)).await;
    }
    let view = lobby
        .get(owner, &format!("/lobby/games/{game}"))
        .await
        .expect(200);
    assert_eq!(view["current_turn"], 3);
    assert_eq!(view["runtime_status"], "running");
    assert_eq!(view["engine_health"], "healthy");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_second_report_of_a_start_changes_nothing(pool: PgPool) {
    let lobby = Lobby::new(pool).await;
    let owner = lobby.player().await;
    let (game, _) = lobby.running_game(owner, "Zorg").await;
    lobby.apply_event(&started(game)).await;
    lobby
        .apply_event(&start_failed(game, FailureCode::Internal))
        .await;
    assert_eq!(lobby.status(game).await, "running");
    assert_eq!(lobby.world.events::<GameStarted>().await.len(), 1);
}
