//! Builders and helpers for the tests of the outbox.

use std::time::Duration;

use galaxy_core::{DeliveryId, EmailAddress, Timestamp, UserId};
use galaxy_mail::{
    Content, NewMail, Priority,
    claim::{self, Claim},
    enqueue,
    finish::{self, Failure, Outcome},
};
use galaxy_testkit::World;

pub const LEASE: Duration = Duration::from_mins(1);

pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub fn content() -> Content {
    Content {
        subject: "A subject".to_owned(),
        text: "A text".to_owned(),
        html: Some("<p>A text</p>".to_owned()),
    }
}

/// A mail whose fields a test may change before it is enqueued.
pub struct Mail {
    pub key: String,
    pub to: String,
    pub user_id: Option<UserId>,
    pub priority: Priority,
    pub expires_at: Option<Timestamp>,
    pub secret: bool,
}

pub fn mail(key: &str) -> Mail {
    Mail {
        key: key.to_owned(),
        to: "ada@example.org".to_owned(),
        user_id: None,
        priority: Priority::Normal,
        expires_at: None,
        secret: false,
    }
}

impl Mail {
    /// Enqueues it in a transaction of its own; it must be a new one.
    pub async fn enqueue(&self, world: &World) -> DeliveryId {
        self.try_enqueue(world).await[0]
    }

    /// Enqueues it in a transaction of its own; nothing is created if its key was enqueued before.
    pub async fn try_enqueue(&self, world: &World) -> Vec<DeliveryId> {
        let mut tx = world.db.begin().await.unwrap();
        let mail = NewMail {
            template_id: "test",
            idempotency_key: &self.key,
            user_id: self.user_id,
            to: &address(&self.to),
            content: &content(),
            priority: self.priority,
            expires_at: self.expires_at,
            secret: self.secret,
            list_unsubscribe: None,
            traceparent: None,
            suppressed: false,
        };
        let created = enqueue(&mut tx, &[mail]).await.unwrap();
        tx.commit().await.unwrap();
        created
    }
}

/// Claims every due mail.
pub async fn claim_all(world: &World) -> Vec<Claim> {
    claim::claim(&world.db, 1_000, LEASE).await.unwrap()
}

/// Claims the only due mail.
pub async fn claim_one(world: &World) -> Claim {
    let mut claims = claim_all(world).await;
    assert_eq!(claims.len(), 1);
    claims.remove(0)
}

pub async fn finish(world: &World, claim: &Claim, outcome: Outcome) -> bool {
    finish::finish(&world.db, claim, &outcome, world.clock.now())
        .await
        .unwrap()
}

pub fn refusal() -> Failure {
    Failure {
        code: Some(550),
        error: "550 5.1.1 no such user".to_owned(),
    }
}

/// Expires the leases of all claimed mails.
pub async fn expire_leases(world: &World) {
    sqlx::query(
        "update backend.mail_deliveries set lease_expires_at = now() - interval '1 second',
             next_attempt_at = now() - interval '1 second' where status = 'sending'",
    )
    .execute(world.db.pool())
    .await
    .unwrap();
}
