//! The migrations of the schema, embedded in every binary, and the check that a database is at the newest.

use sqlx::{migrate::Migrator, postgres::PgPool};

/// All migrations in order.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// The database is not at the migration this binary works with.
#[derive(Debug, thiserror::Error)]
pub enum Mismatch {
    /// It is at an older one.
    #[error(
        "the database is at migration {found}, this version needs {needed}; run the api or the migrate job"
    )]
    Behind {
        /// The newest applied migration, 0 if none.
        found: i64,
        /// The newest migration of this binary.
        needed: i64,
    },
    /// A newer version migrated it.
    #[error(
        "the database is at migration {found}, newer than this version's {needed}; run the newer version"
    )]
    Ahead {
        /// The newest applied migration.
        found: i64,
        /// The newest migration of this binary.
        needed: i64,
    },
    /// A migration was changed after it had been applied.
    #[error("migration {0} was applied in another form; this database belongs to another build")]
    Changed(i64),
    /// The database did not answer.
    #[error("the database does not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed; it was rolled back.
    #[error("a migration failed: {0}")]
    Failed(sqlx::migrate::MigrateError),
}

/// Applies the migrations that are missing. Several processes may do this at once; one works, the others wait for it.
pub(crate) async fn apply(pool: &PgPool) -> Result<(), Mismatch> {
    use sqlx::migrate::MigrateError;
    match MIGRATOR.run(pool).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) => Err(Mismatch::Ahead {
            found,
            needed: newest(),
        }),
        Err(MigrateError::VersionMismatch(version)) => Err(Mismatch::Changed(version)),
        Err(error) => Err(Mismatch::Failed(error)),
    }
}

/// `Ok` if the database is at exactly the newest migration of this binary.
pub(crate) async fn check(pool: &PgPool) -> Result<(), Mismatch> {
    let applied: Result<Option<i64>, sqlx::Error> =
        sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
            .fetch_one(pool)
            .await;
    let found = match applied {
        Ok(found) => found.unwrap_or(0),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => 0,
        Err(error) => return Err(error.into()),
    };
    let needed = newest();
    match found.cmp(&needed) {
        std::cmp::Ordering::Less => Err(Mismatch::Behind { found, needed }),
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Mismatch::Ahead { found, needed }),
    }
}

fn newest() -> i64 {
    MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}
