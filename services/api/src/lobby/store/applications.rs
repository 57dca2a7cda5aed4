//! Applications to public games.

use galaxy_core::{ApplicationId, GameId, Timestamp, UserId};
use galaxy_store::{Result, Tx};
use sqlx::PgConnection;
use tracing::instrument;

use crate::lobby::model::ApplicationStatus;

/// A request to join a game.
#[derive(Debug, Clone)]
pub struct Application {
    pub application_id: ApplicationId,
    pub game_id: GameId,
    pub applicant_user_id: UserId,
    /// The race applied with.
    pub race_name: String,
    /// The race's key.
    pub race_canonical: String,
    pub message: Option<String>,
    pub status: ApplicationStatus,
    pub created_at: Timestamp,
    pub decided_at: Option<Timestamp>,
}

/// A query for applications: `select <all columns> from backend.applications <rest>`.
macro_rules! applications {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            $crate::lobby::store::applications::Application,
            r#"select application_id, game_id, applicant_user_id, race_name, race_canonical, message,
                      status as "status: _", created_at, decided_at
               from backend.applications "# + $rest,
            $($argument),*
        )
    };
}
pub(super) use applications;

/// The application, if it is one to this game.
#[instrument(name = "db.lobby.application", skip_all, fields(%game_id, %id))]
pub async fn find(
    connection: &mut PgConnection,
    game_id: GameId,
    id: ApplicationId,
) -> Result<Option<Application>> {
    Ok(applications!(
        "where application_id = $1 and game_id = $2",
        id.uuid(),
        game_id.uuid()
    )
    .fetch_optional(connection)
    .await?)
}

/// Writes a new application. A second open one of a player fails on `applications_open_idx`.
#[instrument(name = "db.lobby.insert_application", skip_all, fields(game_id = %application.game_id))]
pub async fn insert(tx: &mut Tx, application: &Application) -> Result<()> {
    sqlx::query!(
        "insert into backend.applications
             (application_id, game_id, applicant_user_id, race_name, race_canonical, message, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)",
        application.application_id.uuid(),
        application.game_id.uuid(),
        application.applicant_user_id.uuid(),
        application.race_name,
        application.race_canonical,
        application.message,
        application.created_at,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Decides an application that is still open; `false` if it no longer is.
#[instrument(name = "db.lobby.decide_application", skip_all, fields(%id))]
pub async fn decide(
    tx: &mut Tx,
    id: ApplicationId,
    status: ApplicationStatus,
    now: Timestamp,
) -> Result<bool> {
    let decided = sqlx::query!(
        "update backend.applications set status = $2, decided_at = $3, updated_at = $3
         where application_id = $1 and status = 'submitted'",
        id.uuid(),
        status as _,
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected();
    Ok(decided == 1)
}

/// Rejects all open applications to a game; returns them.
#[instrument(name = "db.lobby.reject_open_applications", skip_all, fields(%game_id))]
pub async fn reject_open(tx: &mut Tx, game_id: GameId, now: Timestamp) -> Result<Vec<Application>> {
    Ok(sqlx::query_as!(
        Application,
        r#"update backend.applications set status = 'rejected', decided_at = $2, updated_at = $2
           where game_id = $1 and status = 'submitted'
           returning application_id, game_id, applicant_user_id, race_name, race_canonical, message,
                     status as "status: _", created_at, decided_at"#,
        game_id.uuid(),
        now,
    )
    .fetch_all(&mut **tx)
    .await?)
}

/// Withdraws all open applications of a player; returns how many.
#[instrument(name = "db.lobby.withdraw_applications", skip_all, fields(%user_id))]
pub async fn withdraw_all(tx: &mut Tx, user_id: UserId, now: Timestamp) -> Result<u64> {
    Ok(sqlx::query!(
        "update backend.applications set status = 'withdrawn', decided_at = $2, updated_at = $2
         where applicant_user_id = $1 and status = 'submitted'",
        user_id.uuid(),
        now,
    )
    .execute(&mut **tx)
    .await?
    .rows_affected())
}

/// Withdraws the open application of one player to one game, if there is one.
#[instrument(name = "db.lobby.withdraw_application", skip_all, fields(%game_id, %user_id))]
pub async fn withdraw(tx: &mut Tx, game_id: GameId, user_id: UserId, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "update backend.applications set status = 'withdrawn', decided_at = $3, updated_at = $3
         where game_id = $1 and applicant_user_id = $2 and status = 'submitted'",
        game_id.uuid(),
        user_id.uuid(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Open applications of a player.
#[instrument(name = "db.lobby.count_pending", skip_all, fields(%user_id))]
pub async fn count_pending(tx: &mut Tx, user_id: UserId) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!" from backend.applications
           where applicant_user_id = $1 and status = 'submitted'"#,
        user_id.uuid(),
    )
    .fetch_one(&mut **tx)
    .await?)
}
