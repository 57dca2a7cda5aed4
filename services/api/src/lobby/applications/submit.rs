//! `POST /lobby/games/{game_id}/applications`: a player applies to join.

use axum::{Json, extract::State, http::StatusCode};
use galaxy_core::{ApplicationId, text};
use galaxy_events::catalogue::lobby::ApplicationSubmitted;
use galaxy_http::ApiJson;
use galaxy_store::Error as StoreError;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::{
    accounts::{self, Action, LimitCode},
    lobby::{
        Lobby,
        access::VisibleGame,
        admission, events, limits,
        model::ApplicationStatus,
        refusal::{Error, Refusal, wrong},
        store::{self, applications::Application},
        view::ApplicationView,
    },
};

/// A request to join.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"race_name": "Zorgons", "message": "I play every evening."}))]
pub struct SubmitApplication {
    /// The race to play: 2–32 letters, digits, spaces, `-` and `'` of one script.
    pub race_name: String,
    /// What to say to the owner, up to 2,000 characters.
    #[serde(default)]
    pub message: Option<String>,
}

/// Asks the owner of a public game to be let in.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/applications",
    tag = "User",
    operation_id = "submit_application",
    params(("game_id" = galaxy_core::GameId, Path)),
    request_body = SubmitApplication,
    responses(
        (status = 201, body = ApplicationView, description = "The application."),
        (status = 403, description = "`game_join_blocked`, `blocked_from_game`."),
        (status = 404, description = "No such game, or not visible to the caller."),
        (status = 409, description = "`enrollment_closed`, `enrollment_ended`, `invite_only`, `already_member`, \
            `already_applied`, `race_name_taken`, `race_name_reserved` or `limit_reached`.")
    )
)]
#[instrument(skip_all, fields(game_id = %visible.game.game_id, user_id = %visible.user_id))]
pub async fn submit_application(
    State(lobby): State<Lobby>,
    visible: VisibleGame,
    ApiJson(request): ApiJson<SubmitApplication>,
) -> Result<(StatusCode, Json<ApplicationView>), Error> {
    let now = lobby.clock.now();
    let race = admission::race_name(&lobby, &request.race_name)?;
    let message = message(request.message.as_deref())?;
    let applicant = visible.user_id;
    let mut tx = lobby.db.begin().await?;
    accounts::ensure_may(&mut tx, applicant, Action::JoinGame, now).await?;
    limits::lock(&mut tx, applicant).await?;
    let game = store::games::lock(&mut tx, visible.game.game_id)
        .await?
        .ok_or(Error::Missing("game"))?;
    game.check_applications(now)?;
    admission::check_newcomer(&mut tx, &game, applicant).await?;
    if !admission::is_available(&mut tx, applicant, race.canonical()).await? {
        return Err(Refusal::RaceNameTaken.into());
    }
    let application = Application {
        application_id: ApplicationId::generate(),
        game_id: game.game_id,
        applicant_user_id: applicant,
        race_name: race.as_str().to_owned(),
        race_canonical: race.canonical().to_owned(),
        message,
        status: ApplicationStatus::Submitted,
        created_at: now,
        decided_at: None,
    };
    let pending = store::applications::count_pending(&mut tx, applicant).await?;
    store::applications::insert(&mut tx, &application)
        .await
        .map_err(refused)?;
    limits::check(
        &mut tx,
        applicant,
        LimitCode::MaxPendingApplications,
        pending,
        now,
    )
    .await?;
    events::application(&mut tx, &game, &application, |application| {
        ApplicationSubmitted { application }
    })
    .await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(application.into())))
}

fn message(text: Option<&str>) -> Result<Option<String>, Error> {
    let Some(text) = text else { return Ok(None) };
    let message = text::paragraph(text, 2_000).map_err(|reason| wrong("message", reason))?;
    if message.chars().count() > 2_000 {
        return Err(wrong("message", "must have at most 2000 characters"));
    }
    Ok((!message.is_empty()).then_some(message))
}

fn refused(error: StoreError) -> Error {
    if error.is_unique_violation("applications_open_idx") {
        Refusal::AlreadyApplied.into()
    } else {
        error.into()
    }
}
