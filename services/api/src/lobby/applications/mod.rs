//! Applications to public games.

pub mod approve;
pub mod list;
pub mod reject;
pub mod submit;

use galaxy_core::{ApplicationId, GameId};
use serde::Deserialize;
use sqlx::PgConnection;

use super::{
    model::ApplicationStatus,
    refusal::{Error, Refusal},
    store::applications::{self, Application},
};

/// An application in a path, after its game.
#[derive(Deserialize)]
pub(super) struct ApplicationPath {
    application_id: ApplicationId,
}

/// The application of the path, in any status.
async fn find(
    connection: &mut PgConnection,
    game_id: GameId,
    id: ApplicationId,
) -> Result<Application, Error> {
    applications::find(connection, game_id, id)
        .await?
        .ok_or(Error::Missing("application"))
}

/// 409 with the status of an application that is decided already.
fn decided(status: ApplicationStatus) -> Error {
    let status = match status {
        ApplicationStatus::Submitted => "submitted",
        ApplicationStatus::Approved => "approved",
        ApplicationStatus::Rejected => "rejected",
        ApplicationStatus::Withdrawn => "withdrawn",
    };
    Refusal::AlreadyDecided {
        what: "application",
        status,
    }
    .into()
}
