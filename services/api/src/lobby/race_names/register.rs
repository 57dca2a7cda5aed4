//! `POST /lobby/race-names/register`: registers an earned name for good.

use axum::{Json, extract::State};
use galaxy_core::{RaceName, Timestamp, UserId};
use galaxy_http::ApiJson;
use galaxy_store::Tx;
use serde::Deserialize;
use tracing::instrument;
use utoipa::ToSchema;

use crate::{
    accounts::{Caller, LimitCode},
    lobby::{
        Lobby, events, limits,
        model::RaceNameStatus,
        refusal::{Error, Refusal, wrong},
        store::race_names::{self, HeldName},
        view::RaceNameView,
    },
};

/// What to register.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Zorgons"}))]
pub struct RegisterRaceName {
    /// A name that the caller earned in a finished game in the last 30 days.
    pub name: String,
}

/// Registers an earned name, within its 30 days and the account's limit.
#[utoipa::path(
    post,
    path = "/api/v1/user/lobby/race-names/register",
    tag = "User",
    operation_id = "register_race_name",
    request_body = RegisterRaceName,
    responses(
        (status = 200, body = RaceNameView, description = "The registered name."),
        (status = 409, description = "`race_name_not_pending`, `race_name_expired`, `race_name_already_registered` or \
            `limit_reached`.")
    )
)]
#[instrument(skip_all, fields(user_id = %caller.user_id))]
pub async fn register_race_name(
    State(lobby): State<Lobby>,
    caller: Caller,
    ApiJson(request): ApiJson<RegisterRaceName>,
) -> Result<Json<RaceNameView>, Error> {
    let now = lobby.clock.now();
    let name = RaceName::parse(&request.name).map_err(|reason| wrong("name", reason))?;
    let mut tx = lobby.db.begin().await?;
    limits::lock(&mut tx, caller.user_id).await?;
    let mut held = pending(&mut tx, caller.user_id, &name, now).await?;
    let count = race_names::count_registered(&mut tx, caller.user_id).await?;
    let limit = LimitCode::MaxRegisteredRaceNames;
    limits::check(&mut tx, caller.user_id, limit, count, now).await?;
    if !race_names::register(&mut tx, held.race_name_id, now).await? {
        return Err(Refusal::NotPending.into());
    }
    events::race_name_registered(&mut tx, caller.user_id, &held.name).await?;
    tx.commit().await?;
    held.status = RaceNameStatus::Registered;
    (held.expires_at, held.registered_at) = (None, Some(now));
    Ok(Json(held.into()))
}

async fn pending(
    tx: &mut Tx,
    user_id: UserId,
    name: &RaceName,
    now: Timestamp,
) -> Result<HeldName, Error> {
    let held = race_names::lock_own(tx, user_id, name)
        .await?
        .ok_or(Refusal::NotPending)?;
    let refusal = match held.status {
        RaceNameStatus::Registered => Refusal::AlreadyRegistered,
        RaceNameStatus::Reservation | RaceNameStatus::Released => Refusal::NotPending,
        RaceNameStatus::PendingRegistration if held.expires_at.is_none_or(|at| at <= now) => {
            Refusal::RegistrationExpired
        }
        RaceNameStatus::PendingRegistration => return Ok(held),
    };
    Err(refusal.into())
}
