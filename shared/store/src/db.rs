//! The handle to the database and the one kind of transaction there is.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use sqlx::{PgConnection, Postgres, Transaction, pool::PoolConnection, postgres::PgPool};
use tokio::{sync::Notify, time::Instant};

use crate::{
    connections::Connections,
    error::{Error, Result},
    metrics,
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
    connections: Arc<Connections>,
    topics: Topics,
}

impl Db {
    /// Over a pool whose schema is at the expected migration.
    pub fn new(pool: PgPool) -> Self {
        Self::over(pool, Arc::new(Connections::of_a_pool()))
    }

    pub(crate) fn over(pool: PgPool, connections: Arc<Connections>) -> Self {
        Self {
            pool,
            connections,
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

    /// Begins a transaction of maintenance, whose statements may take as long as they need.
    pub async fn begin_maintenance(&self) -> Result<Tx> {
        self.begin_with("begin; set local statement_timeout = 0")
            .await
    }

    /// Begins with `statement`. If the connection turns out to be lost, tries once more over one that is pinged: the pool
    /// opens a new one instead of each that does not answer. Nothing was done yet, so trying again is safe.
    async fn begin_with(&self, statement: &'static str) -> Result<Tx> {
        let begin = || self.pool.begin_with(statement);
        let inner = match self.obtain(begin).await {
            Err(error) if error.is_lost() => PING_ALWAYS.scope((), self.obtain(begin)).await?,
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
        self.obtain(|| self.pool.acquire()).await
    }

    /// What `attempt` takes from the pool. If Postgres refuses the password, the URL may have changed: it is read again, and
    /// the attempt repeated. If there is no connection in time, the error says why.
    async fn obtain<T, F>(&self, attempt: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = sqlx::Result<T>>,
    {
        let timed = async || {
            let began = Instant::now();
            let obtained = attempt().await;
            metrics::waited(began, &obtained);
            obtained.map_err(Error::from)
        };
        let mut result = timed().await;
        if matches!(&result, Err(error) if error.is_refused_login()) && self.connections.can_renew()
        {
            self.connections.renew(&self.pool);
            result = timed().await;
        }
        match result {
            Err(Error::Query(sqlx::Error::PoolTimedOut)) => Err(Error::NoConnection(
                self.connections.diagnose(&self.pool).await,
            )),
            result => result,
        }
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
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
