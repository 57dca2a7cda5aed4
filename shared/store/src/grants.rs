//! What the role of the processes may do in the schema: read and write rows, and have the outbox's partitions made.
//!
//! The role that migrates owns everything and grants this, anew after each migration.

use galaxy_service::{Secret, config::Value};
use secrecy::ExposeSecret;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::RuntimeRole;

/// The name of a role, as it is written without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleName(String);

impl Value for RoleName {
    const EXPECTED: &'static str =
        "the name of a role: lower-case letters, digits and _, 63 at most";

    fn parse(text: &str) -> Option<Self> {
        let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        (begins && text.len() <= 63 && text.chars().all(fits)).then(|| Self(text.to_owned()))
    }
}

/// The role cannot be given what it needs.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// There is none of that name.
    #[error(
        "the role {0} of BACKEND_POSTGRES_RUNTIME_ROLE does not exist; create it (create role {0} login password '…'), or set BACKEND_POSTGRES_RUNTIME_PASSWORD"
    )]
    NoSuchRole(String),
    /// It is the one that migrates.
    #[error(
        "BACKEND_POSTGRES_RUNTIME_ROLE names {0}, which is the role that migrates; name another, or none"
    )]
    SameRole(String),
    /// A statement failed.
    #[error("the rights of BACKEND_POSTGRES_RUNTIME_ROLE cannot be granted: {0}")]
    Database(#[from] sqlx::Error),
}

/// Makes the role if it is not there and has a password, grants it what a process needs, and takes what it needs no more.
/// `connection` is of the role that migrates.
pub async fn grant_runtime_role(
    connection: &mut PgConnection,
    role: &RuntimeRole,
) -> Result<(), GrantError> {
    let RoleName(name) = &role.name;
    let mut tx = connection.begin().await?;
    // Two at once would change the same rows of the catalogue, which fails one of them.
    sqlx::query("select pg_advisory_xact_lock(hashtext('galaxy grants'))")
        .execute(&mut *tx)
        .await?;
    let is_own: Option<bool> =
        sqlx::query_scalar("select rolname = current_user from pg_roles where rolname = $1")
            .bind(name)
            .fetch_optional(&mut *tx)
            .await?;
    match (is_own, &role.password) {
        (Some(false), _) => {}
        (Some(true), _) => return Err(GrantError::SameRole(name.clone())),
        (None, Some(password)) => make(&mut tx, name, password).await?,
        (None, None) => return Err(GrantError::NoSuchRole(name.clone())),
    }
    // The name was validated; quoted, it may be a word of SQL. The audit log only grows, and only migrations say what is compatible.
    let statements = format!(
        "grant usage on schema backend to \"{name}\";
         grant select, insert, update, delete on all tables in schema backend to \"{name}\";
         grant usage on all sequences in schema backend to \"{name}\";
         alter default privileges in schema backend grant select, insert, update, delete on tables to \"{name}\";
         alter default privileges in schema backend grant usage on sequences to \"{name}\";
         revoke update, delete on backend.admin_audit_log from \"{name}\";
         revoke insert, update, delete on backend.schema_compatibility from \"{name}\";
         grant execute on function backend.event_outbox_ensure_partitions(date, integer) to \"{name}\";
         grant execute on function backend.event_outbox_drop_partitions(date) to \"{name}\";
         grant select on _sqlx_migrations to \"{name}\";"
    );
    sqlx::raw_sql(AssertSqlSafe(statements))
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}

async fn make(
    connection: &mut PgConnection,
    name: &str,
    password: &Secret,
) -> Result<(), sqlx::Error> {
    // A statement that takes no parameters; Postgres quotes them.
    let statement: String =
        sqlx::query_scalar("select format('create role %I login password %L', $1, $2)")
            .bind(name)
            .bind(password.expose_secret())
            .fetch_one(&mut *connection)
            .await?;
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    tracing::info!(role = name, "made the role of the processes");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_name_is_taken() {
        for right in ["galaxy_runtime", "_r2", "a"] {
            assert_eq!(RoleName::parse(right), Some(RoleName(right.to_owned())));
        }
        let long = "a".repeat(64);
        for wrong in [
            "",
            "2r",
            "Galaxy",
            "a-b",
            "a b",
            "a\"b",
            "a;drop schema backend",
            "é",
            &long,
        ] {
            assert_eq!(RoleName::parse(wrong), None, "{wrong}");
        }
    }
}
