//! A connection that one task has to itself: its statements stay prepared, where the pool would hand out a cold one.

use sqlx::{Connection, PgConnection, Postgres, Transaction};

use crate::{Db, error::Result};

/// A connection beside those of the pool, which stays as large as it is. Opened at the first use and after
/// [`DedicatedConnection::discard`].
#[derive(Debug)]
pub struct DedicatedConnection {
    db: Db,
    connection: Option<PgConnection>,
}

impl DedicatedConnection {
    /// Not open yet.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            connection: None,
        }
    }

    /// Begins a transaction whose commit does not wait for the disk, and whose plans are made once. For bookkeeping only:
    /// what a crash of Postgres undoes must be no more than work that is then done again, such as a short lease or the
    /// mark that something was sent.
    pub async fn begin_relaxed(&mut self) -> Result<Transaction<'_, Postgres>> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.db.acquire().await?.detach(),
        };
        // Local to the transaction, so that a pooler in front of Postgres hands nothing on.
        let begin = "begin; set local synchronous_commit = off; set local plan_cache_mode = force_generic_plan";
        Ok(self.connection.insert(connection).begin_with(begin).await?)
    }

    /// Closes the connection. Call it after an error, since the connection may be broken.
    pub fn discard(&mut self) {
        self.connection = None;
    }
}
