//! `POST …/applications/{application_id}/approve`: the owner admits the applicant.

use axum::{Json, extract::State};
use galaxy_core::Timestamp;
use galaxy_events::catalogue::lobby::ApplicationApproved;
use galaxy_http::ApiPath;
use galaxy_store::Tx;
use tracing::instrument;

use super::{ApplicationPath, decided, find};
use crate::{
    accounts::{self, Action, NotAllowed},
    lobby::{
        Lobby,
        access::OwnedGame,
        admission, events,
        games::lock_managed,
        limits,
        model::ApplicationStatus,
        refusal::{Error, Refusal},
        store,
        view::ApplicationView,
    },
};

/// Lets the applicant in: a place in the roster, and the race name reserved until the game ends.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/games/{game_id}/applications/{application_id}/approve",
    tag = "User",
    operation_id = "approve_application",
    params(("game_id" = galaxy_core::GameId, Path), ("application_id" = galaxy_core::ApplicationId, Path)),
    responses(
        (status = 200, body = ApplicationView, description = "The approved application."),
        (status = 403, description = "`not_owner`."),
        (status = 404, description = "No such game or application, or not visible to the caller."),
        (status = 409, description = "`invalid_transition` (decided before), `enrollment_closed`, `roster_full`, \
            `race_name_taken`, `limit_reached` or `player_may_not_join`.")
    )
)]
#[instrument(skip_all, fields(game_id = %owned.game.game_id))]
pub async fn approve_application(
    State(lobby): State<Lobby>,
    owned: OwnedGame,
    ApiPath(path): ApiPath<ApplicationPath>,
) -> Result<Json<ApplicationView>, Error> {
    let now = lobby.clock.now();
    let game_id = owned.game.game_id;
    let mut tx = lobby.db.begin().await?;
    let mut application = find(&mut tx, game_id, path.application_id).await?;
    lock_applicant(&mut tx, application.applicant_user_id, now).await?;
    let mut game = lock_managed(&mut tx, owned.user_id, game_id, now).await?;
    let status = ApplicationStatus::Approved;
    if !store::applications::decide(&mut tx, application.application_id, status, now).await? {
        // Decided since it was read, if it was open then.
        let seen = find(&mut tx, game_id, path.application_id).await?;
        return Err(decided(seen.status));
    }
    (application.status, application.decided_at) = (status, Some(now));
    let race = (
        application.race_name.as_str(),
        application.race_canonical.as_str(),
    );
    let applicant = application.applicant_user_id;
    admission::admit(&mut tx, &mut game, applicant, race, now).await?;
    store::invites::revoke_one(&mut tx, game_id, applicant, now).await?;
    events::application(&mut tx, &game, &application, |application| {
        ApplicationApproved { application }
    })
    .await?;
    tx.commit().await?;
    Ok(Json(application.into()))
}

/// Locks the applicant's account for counting. The owner is not shown why an applicant may not join.
async fn lock_applicant(
    tx: &mut Tx,
    applicant: galaxy_core::UserId,
    now: Timestamp,
) -> Result<(), Error> {
    match accounts::ensure_may(tx, applicant, Action::JoinGame, now).await {
        Ok(()) => limits::lock(tx, applicant).await,
        Err(NotAllowed::Store(error)) => Err(error.into()),
        Err(_) => Err(Refusal::PlayerMayNotJoin.into()),
    }
}
