//! All SQL on accounts, entitlements, sanctions and limits.

mod accounts;
mod entitlements;
mod history;
mod limits;
mod restrictions;
mod sanctions;

use galaxy_store::Result;
use sqlx::{PgConnection, Postgres, postgres::PgArguments, query::Query};

pub use accounts::*;
pub use entitlements::*;
pub use history::*;
pub use limits::*;
pub use restrictions::*;
pub use sanctions::*;

/// Runs a statement that changes one row, or none if its conditions do not hold. Whether it changed one.
async fn changes_one_row(
    connection: &mut PgConnection,
    statement: Query<'_, Postgres, PgArguments>,
) -> Result<bool> {
    Ok(statement.execute(connection).await?.rows_affected() == 1)
}
