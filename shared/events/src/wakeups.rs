//! Carries the notifications of [`galaxy_store::Db::subscribe`] to other processes over core NATS: `galaxy.wake.mail` and
//! `galaxy.wake.runtime`. A lost one costs latency only, since the workers also poll.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use galaxy_service::Process;
use galaxy_store::{Db, Topic};
use tokio::sync::Notify;

use crate::Nats;

/// How long sending one wake-up may take.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);

fn subject(topic: Topic) -> Option<&'static str> {
    match topic {
        Topic::Outbox => None,
        Topic::Mail => Some("galaxy.wake.mail"),
        Topic::Runtime => Some("galaxy.wake.runtime"),
    }
}

impl Nats {
    /// Publishes the notifications of this process's commits for `topics` to the processes that work on them.
    pub fn publish_wakeups(&self, process: &Process, db: &Db, topics: &[Topic]) {
        for topic in topics {
            let Some(subject) = subject(*topic) else {
                continue;
            };
            let (notify, client) = (db.subscribe(*topic), self.client().clone());
            let draining = process.tasks.draining();
            process.tasks.spawn("wakeups", async move {
                while draining
                    .run_until_cancelled(notify.notified())
                    .await
                    .is_some()
                {
                    let sent = async {
                        client.publish(subject, Bytes::new()).await.ok();
                        client.flush().await.ok();
                    };
                    tokio::time::timeout(SEND_TIMEOUT, sent).await.ok();
                }
            });
        }
    }

    /// A notification for every wake-up of `topic` that any process publishes, this one included.
    pub async fn subscribe_wakeups(
        &self,
        process: &Process,
        topic: Topic,
    ) -> anyhow::Result<Arc<Notify>> {
        let notify = Arc::new(Notify::new());
        if let Some(subject) = subject(topic) {
            let mut wakeups = self.client().subscribe(subject).await?;
            let (notified, draining) = (notify.clone(), process.tasks.draining());
            process.tasks.spawn("wakeups", async move {
                while let Some(Some(_)) = draining.run_until_cancelled(wakeups.next()).await {
                    notified.notify_one();
                }
            });
        }
        Ok(notify)
    }
}
