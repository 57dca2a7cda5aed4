//! `POST …/applications/{application_id}/reject`: the owner rejects the applicant.

use axum::{Json, extract::State};
use galaxy_events::catalogue::lobby::ApplicationRejected;
use galaxy_http::ApiPath;
use tracing::instrument;

use super::{ApplicationPath, decided, find};
use crate::lobby::{
    Lobby, access::OwnedGame, events, games::lock_managed, model::ApplicationStatus,
    refusal::Error, store, view::ApplicationView,
};

/// Rejects an application. The player may apply again.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/applications/{application_id}/reject",
    tag = "User",
    operation_id = "reject_application",
    params(("game_id" = galaxy_core::GameId, Path), ("application_id" = galaxy_core::ApplicationId, Path)),
    responses(
        (status = 200, body = ApplicationView, description = "The rejected application."),
        (status = 403, description = "`not_owner`."),
        (status = 404, description = "No such game or application, or not visible to the caller."),
        (status = 409, description = "`invalid_transition`: decided before.")
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn reject_application(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
    ApiPath(path): ApiPath<ApplicationPath>,
) -> Result<Json<ApplicationView>, Error> {
    let now = lobby.clock.now();
    let mut tx = lobby.db.begin().await?;
    let game = lock_managed(&mut tx, owned.user_id, owned.game.game_id, now).await?;
    let mut application = find(&mut tx, game.game_id, path.application_id).await?;
    let status = ApplicationStatus::Rejected;
    if !store::applications::decide(&mut tx, application.application_id, status, now).await? {
        return Err(decided(application.status));
    }
    (application.status, application.decided_at) = (status, Some(now));
    events::application(&mut tx, &game, &application, |application| {
        ApplicationRejected { application }
    })
    .await?;
    tx.commit().await?;
    Ok(Json(application.into()))
}
