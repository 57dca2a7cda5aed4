//! A mailer in this process, its database, and an SMTP server that fails on demand.

use std::{sync::Arc, time::Duration};

use galaxy_core::{DeliveryId, EmailAddress, Timestamp};
use galaxy_mail::{Content, NewMail, Priority, enqueue};
use galaxy_mailer::{
    config::Sending, queue::MailQueue, smtp::SmtpPool, target::Target, transport::MailTransport,
};
use galaxy_stack::inbox::{Faults, Inbox, Mail};
use galaxy_store::{Topic, worker};
use galaxy_testkit::{World, eventually};
use sqlx::PgPool;
use tokio::net::TcpListener;

/// The timeout of each step of an SMTP transaction.
pub const TIMEOUT: Duration = Duration::from_millis(400);

pub struct MailWorld {
    world: World,
    inbox: Inbox,
}

impl MailWorld {
    /// With a mailer that depends on wake-ups: it polls once a minute.
    pub async fn start(pool: PgPool) -> Self {
        let world = Self::paused(pool).await;
        world.run_mailer(8, Duration::from_mins(1));
        world
    }

    /// Without a running mailer, so that mails and faults can be prepared.
    pub async fn paused(pool: PgPool) -> Self {
        let bind = || TcpListener::bind("127.0.0.1:0");
        let inbox = Inbox::start(bind().await.unwrap(), bind().await.unwrap()).unwrap();
        Self {
            world: World::as_runtime_role(pool).await,
            inbox,
        }
    }

    /// Starts a mailer, or another one.
    pub fn run(&self) {
        self.run_with(8);
    }

    /// Starts a mailer that sends `slots` mails at once.
    pub fn run_with(&self, slots: u32) {
        self.run_mailer(slots, Duration::from_millis(50));
    }

    fn run_mailer(&self, slots: u32, poll: Duration) {
        let url = format!("smtp://{}", self.inbox.smtp_address());
        let Ok(Target::Smtp(server)) = Target::parse(&url) else {
            panic!("{url} is an SMTP server");
        };
        let connections = SmtpPool::new(server, TIMEOUT);
        let sending = Sending {
            from: "Galaxy <galaxy@example.org>".parse().unwrap(),
            reply_to: None,
            max_attempts: 8,
        };
        let wakeup = self.world.db.subscribe(Topic::Mail);
        let process = &self.world.process;
        let queue = MailQueue::new(
            &self.world.db,
            process,
            MailTransport::Smtp(connections),
            sending,
            wakeup.clone(),
        );
        let options = worker::Options {
            name: "mail",
            slots,
            poll,
        };
        worker::start(&process.tasks, Arc::new(queue), wakeup, options);
    }

    pub fn faults(&self) -> &Faults {
        self.inbox.faults()
    }

    /// Enqueues a mail to `<key>@example.org`.
    pub async fn enqueue(&self, key: &str) -> DeliveryId {
        self.enqueue_with(key, Priority::Normal, None).await
    }

    pub async fn enqueue_as(&self, key: &str, priority: Priority) -> DeliveryId {
        self.enqueue_with(key, priority, None).await
    }

    pub async fn enqueue_expired(&self, key: &str) -> DeliveryId {
        let past = self.world.clock.now() - Duration::from_secs(1);
        self.enqueue_with(key, Priority::Urgent, Some(past)).await
    }

    async fn enqueue_with(
        &self,
        key: &str,
        priority: Priority,
        expires_at: Option<Timestamp>,
    ) -> DeliveryId {
        let content = Content {
            subject: format!("Grüße an {key}"),
            text: "Ein Text\n".to_owned(),
            html: Some("<p>Ein Text</p>".to_owned()),
        };
        let mut tx = self.world.db.begin().await.unwrap();
        let mail = NewMail {
            template_id: "test",
            idempotency_key: key,
            user_id: None,
            to: &EmailAddress::parse(&format!("{key}@example.org")).unwrap(),
            content: &content,
            priority,
            expires_at,
            secret: false,
            list_unsubscribe: Some("https://galaxy.example/u?t=1"),
            traceparent: None,
            suppressed: false,
        };
        let created = enqueue(&mut tx, &[mail]).await.unwrap();
        tx.commit().await.unwrap();
        created[0]
    }

    /// Waits for the mail to `<key>@example.org`.
    pub async fn arrived(&self, key: &str) -> Arc<Mail> {
        let address = format!("{key}@example.org");
        self.inbox
            .wait_for(Duration::from_secs(30), |mail| {
                mail.recipients.contains(&address)
            })
            .await
            .unwrap_or_else(|error| panic!("{key}: {error}"))
    }

    pub fn message_ids(&self, key: &str) -> Vec<String> {
        let address = format!("{key}@example.org");
        let mails = self
            .inbox
            .store()
            .matching(|mail| mail.recipients.contains(&address));
        mails.iter().map(|mail| mail.message_id.clone()).collect()
    }

    /// The keys of all mails in the order in which they arrived.
    pub fn order_of_arrival(&self) -> Vec<String> {
        let mails = self.inbox.store().all();
        let keys = mails.iter().rev().flat_map(|mail| mail.recipients.iter());
        keys.map(|address| address.replace("@example.org", ""))
            .collect()
    }

    /// Waits until the delivery is recorded with `status`.
    pub async fn status_is(&self, key: &str, status: &str) {
        eventually(&format!("{key} is {status}"), async || {
            let sql = "select status from backend.mail_deliveries where idempotency_key = $1";
            let found: String = sqlx::query_scalar(sql)
                .bind(key)
                .fetch_one(self.world.db.pool())
                .await
                .unwrap();
            (found == status).then_some(())
        })
        .await;
    }

    /// The outcomes and reply codes of all attempts.
    pub async fn attempts(&self, key: &str) -> Vec<String> {
        sqlx::query_scalar(
            "select a.outcome || coalesce(' ' || a.smtp_code, '') from backend.mail_attempts a
             join backend.mail_deliveries d using (delivery_id)
             where d.idempotency_key = $1 order by a.attempt_no",
        )
        .bind(key)
        .fetch_all(self.world.db.pool())
        .await
        .unwrap()
    }

    /// Waits until `count` attempts are recorded.
    pub async fn attempts_are(&self, key: &str, count: usize) {
        eventually("the attempts", async || {
            (self.attempts(key).await.len() == count).then_some(())
        })
        .await;
    }

    /// Waits until `times` attempts at the unavailable server are recorded.
    pub async fn probed(&self, times: i64) {
        eventually("the probes", async || {
            let sql = "select count(*) from backend.mail_attempts";
            (self.count(sql).await >= times).then_some(())
        })
        .await;
    }

    pub async fn seconds_until_next_attempt(&self, key: &str) -> f64 {
        sqlx::query_scalar(
            "select extract(epoch from next_attempt_at - now())::float8 from backend.mail_deliveries
             where idempotency_key = $1",
        )
        .bind(key)
        .fetch_one(self.world.db.pool())
        .await
        .unwrap()
    }

    pub async fn make_due(&self, key: &str) {
        sqlx::query(
            "update backend.mail_deliveries set next_attempt_at = now() where idempotency_key = $1",
        )
        .bind(key)
        .execute(self.world.db.pool())
        .await
        .unwrap();
    }

    pub async fn make_all_due(&self) {
        sqlx::query(
            "update backend.mail_deliveries set next_attempt_at = now() where status = 'queued'",
        )
        .execute(self.world.db.pool())
        .await
        .unwrap();
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        self.world.count(sql).await
    }
}
