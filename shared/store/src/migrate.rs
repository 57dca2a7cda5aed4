//! The migrations of the schema, embedded in every binary, and whether a binary can work on the schema that it finds.
//!
//! A binary works on a newer schema than its own as long as it knows the migration that `backend.schema_compatibility` asks for.

use std::collections::HashMap;

use sqlx::{
    PgConnection,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

/// All migrations in order.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// This binary cannot work on the schema that it found.
#[derive(Debug, thiserror::Error)]
pub enum Mismatch {
    /// It is at an older migration.
    #[error(
        "the database is at migration {found}, this version needs {needed}; run the api or the migrate job"
    )]
    Behind {
        /// The newest applied migration, 0 if none.
        found: i64,
        /// The newest migration of this binary.
        needed: i64,
    },
    /// A newer version migrated it, to what this one does not know.
    #[error(
        "the database is at migration {found} and needs processes that know migration {min_compatible}, this version knows none after {known}; run a newer version"
    )]
    Ahead {
        /// The newest applied migration.
        found: i64,
        /// The migration that processes must know.
        min_compatible: i64,
        /// The newest migration of this binary.
        known: i64,
    },
    /// A migration was changed after it had been applied.
    #[error("migration {0} was applied in another form; this database belongs to another build")]
    Changed(i64),
    /// The role may not read it.
    #[error(
        "the role of BACKEND_POSTGRES_URL has no rights in the schema; run `api migrate` with BACKEND_POSTGRES_RUNTIME_ROLE set to it ({0})"
    )]
    NotGranted(String),
    /// The schema must be changed, and the role must not.
    #[error(
        "the role of BACKEND_POSTGRES_URL may not change the schema; run `api migrate` as its owner, and BACKEND_MIGRATE=wait here ({0})"
    )]
    Forbidden(String),
    /// The database did not answer.
    #[error("the database does not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// A migration failed; it was rolled back.
    #[error("a migration failed: {0}")]
    Failed(MigrateError),
}

impl Mismatch {
    /// Whether it may pass by itself, since another process migrates or grants.
    pub(crate) const fn may_pass(&self) -> bool {
        matches!(self, Self::Behind { .. } | Self::NotGranted(_))
    }
}

/// Applies the migrations that are missing; does nothing on a newer schema that this binary can work on. Several processes may do
/// this at once; one works, the others wait for it.
///
/// The connection is one of its own: a migration may take longer than the pool's limits allow, and a failed one leaves its
/// lock behind until the connection ends.
pub(crate) async fn apply(options: &PgConnectOptions) -> Result<(), Mismatch> {
    let one = PgPoolOptions::new().max_connections(1);
    let pool = one.connect_with(options.clone()).await?;
    let checked = check_whole(&mut *pool.acquire().await?).await;
    let done = match checked {
        Err(Mismatch::Behind { .. }) => run(&pool).await,
        checked => checked,
    };
    pool.close().await;
    done
}

async fn run(pool: &PgPool) -> Result<(), Mismatch> {
    // Migrations of a newer version are no error here: `check_whole` judges them.
    let mut migrator = Migrator::with_migrations(MIGRATOR.iter().cloned().collect());
    migrator.set_ignore_missing(true);
    migrator.run(pool).await.map_err(failed)?;
    check_whole(&mut *pool.acquire().await?).await
}

fn failed(error: MigrateError) -> Mismatch {
    let refusal = match &error {
        MigrateError::VersionMismatch(version) => return Mismatch::Changed(*version),
        MigrateError::Execute(sqlx::Error::Database(refusal))
        | MigrateError::ExecuteMigration(sqlx::Error::Database(refusal), _) => refusal,
        _ => return Mismatch::Failed(error),
    };
    match refusal.code().as_deref() {
        Some("42501") => Mismatch::Forbidden(refusal.message().to_owned()),
        _ => Mismatch::Failed(error),
    }
}

/// `Ok` if this binary can work on the schema, and each of its migrations was applied as it is.
pub(crate) async fn check_whole(connection: &mut PgConnection) -> Result<(), Mismatch> {
    check(&mut *connection).await?;
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("select version, checksum from _sqlx_migrations where success")
            .fetch_all(connection)
            .await?;
    let applied: HashMap<i64, Vec<u8>> = applied.into_iter().collect();
    for migration in MIGRATOR.iter() {
        match applied.get(&migration.version) {
            Some(checksum) if checksum[..] == migration.checksum[..] => {}
            Some(_) => return Err(Mismatch::Changed(migration.version)),
            // One that was merged after a later one had been applied.
            None => {
                return Err(Mismatch::Behind {
                    found: migration.version - 1,
                    needed: migration.version,
                });
            }
        }
    }
    Ok(())
}

/// As [`check_whole`], but by the numbers alone: for readiness.
pub(crate) async fn check(connection: &mut PgConnection) -> Result<(), Mismatch> {
    let found = newest_applied(&mut *connection).await?;
    let known = newest();
    if found < known {
        return Err(Mismatch::Behind {
            found,
            needed: known,
        });
    }
    if found > known {
        let min_compatible: i64 =
            sqlx::query_scalar("select min_compatible from backend.schema_compatibility")
                .fetch_one(connection)
                .await?;
        if min_compatible > known {
            return Err(Mismatch::Ahead {
                found,
                min_compatible,
                known,
            });
        }
    }
    Ok(())
}

/// 0 if there is none.
async fn newest_applied(connection: &mut PgConnection) -> Result<i64, Mismatch> {
    let applied: Result<Option<i64>, sqlx::Error> =
        sqlx::query_scalar("select max(version) from _sqlx_migrations where success")
            .fetch_one(connection)
            .await;
    match applied {
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => Ok(0),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => {
            Err(Mismatch::NotGranted(error.message().to_owned()))
        }
        applied => Ok(applied?.unwrap_or(0)),
    }
}

fn newest() -> i64 {
    MIGRATOR
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}
