//! The handle to the database and the one kind of transaction there is.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{PgConnection, Postgres, Transaction, pool::PoolConnection, postgres::PgPool};
use tokio::sync::Notify;

use crate::{
    error::{Error, Result},
    notify::{Topic, Topics},
};

tokio::task_local! {
    /// Set while connections are acquired that must be pinged however lately they were used.
    pub(crate) static PING_ALWAYS: ();
}

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: PgPool,
    topics: Topics,
}

impl Db {
    /// Over a pool whose schema is at the expected migration.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            topics: Topics::default(),
        }
    }

    /// Begins a transaction. Dropped without [`Tx::commit`], it is rolled back.
    ///
    /// Never keep it open across a call to anything but Postgres.
    pub async fn begin(&self) -> Result<Tx> {
        self.begin_with("begin").await
    }

    /// Begins a transaction whose statements keep one plan whatever their parameters are.
    ///
    /// For statements that have one good plan: Postgres would plan some of them again each time, since it takes a range or an
    /// array that it does not know for a larger one.
    pub async fn begin_with_kept_plans(&self) -> Result<Tx> {
        self.begin_with("begin; set local plan_cache_mode = force_generic_plan")
            .await
    }

    /// Begins with `statement`. If the connection turns out to be lost, tries once more over one that is pinged: the pool
    /// opens a new one instead of each that does not answer. Nothing was done yet, so trying again is safe.
    async fn begin_with(&self, statement: &'static str) -> Result<Tx> {
        let begin = || async { self.pool.begin_with(statement).await.map_err(Error::from) };
        let inner = match begin().await {
            Err(error) if error.is_lost() => PING_ALWAYS.scope((), begin()).await?,
            result => result?,
        };
        Ok(Tx {
            inner,
            notified: vec![],
            topics: self.topics.clone(),
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

    /// Is notified when a transaction of this process that made work of `topic` is committed. All subscribers of a topic
    /// share one [`Notify`], which wakes one of them and keeps one notification while none waits.
    pub fn subscribe(&self, topic: Topic) -> Arc<Notify> {
        self.topics.of(topic).clone()
    }
}

/// A transaction that remembers which workers to notify once it is committed. Dereferences to the connection.
pub struct Tx {
    inner: Transaction<'static, Postgres>,
    notified: Vec<Topic>,
    topics: Topics,
}

impl Tx {
    /// Marks that this transaction makes work of `topic`: its workers are notified after the commit, never before.
    pub fn notify(&mut self, topic: Topic) {
        if !self.notified.contains(&topic) {
            self.notified.push(topic);
        }
    }

    /// Commits, then notifies. After an error it is not known whether anything was written.
    pub async fn commit(self) -> Result<()> {
        self.inner.commit().await?;
        for topic in self.notified {
            self.topics.of(topic).notify_one();
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
