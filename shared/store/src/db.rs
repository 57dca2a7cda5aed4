//! The handle to the database and the one kind of transaction there is.

use std::ops::{Deref, DerefMut};

use sqlx::{PgConnection, Postgres, Transaction, pool::PoolConnection, postgres::PgPool};

use crate::{
    error::{Error, Result},
    wake::{Topic, Wakeups},
};

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    wakeups: Wakeups,
}

impl Db {
    /// Over a pool whose schema is at the expected migration.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            wakeups: Wakeups::default(),
        }
    }

    /// Begins a transaction. Dropped without [`Tx::commit`], it is rolled back.
    ///
    /// Never keep it open across a call to anything but Postgres.
    pub async fn begin(&self) -> Result<Tx> {
        self.begin_with("begin").await
    }

    /// Begins a transaction whose statements keep one plan whatever they are asked for.
    ///
    /// For statements that have one good way: Postgres would plan some of them anew each time, since it takes a range or an
    /// array that it does not know for a larger one.
    pub async fn begin_with_kept_plans(&self) -> Result<Tx> {
        self.begin_with("begin; set local plan_cache_mode = force_generic_plan")
            .await
    }

    /// Begins with `statement`, over another connection if one turns out to be lost: nothing was done over it yet.
    async fn begin_with(&self, statement: &'static str) -> Result<Tx> {
        let mut others = self.pool.options().get_max_connections();
        let inner = loop {
            match self.pool.begin_with(statement).await.map_err(Error::from) {
                Err(error) if error.is_lost() && others > 0 => others -= 1,
                begun => break begun?,
            }
        };
        Ok(Tx {
            inner,
            wakes: vec![],
            wakeups: self.wakeups.clone(),
        })
    }

    /// A connection for statements that need no transaction.
    pub async fn acquire(&self) -> Result<PoolConnection<Postgres>> {
        Ok(self.pool.acquire().await?)
    }

    /// The pool itself, for its figures.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Where committed transactions say that there is work.
    pub fn wakeups(&self) -> &Wakeups {
        &self.wakeups
    }
}

/// A transaction that remembers whom to wake once it is committed. Dereferences to the connection.
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    wakes: Vec<Topic>,
    wakeups: Wakeups,
}

impl Tx {
    /// Marks that this transaction makes work of `topic`: its workers are woken after the commit, never before.
    pub fn wake(&mut self, topic: Topic) {
        if !self.wakes.contains(&topic) {
            self.wakes.push(topic);
        }
    }

    /// Commits, then wakes. After an error nothing is known to be written.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await?;
        for topic in self.wakes {
            self.wakeups.wake(topic);
        }
        Ok(())
    }
}

impl Deref for Tx {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.inner
    }
}
