//! What becomes of notifications, counted where it is decided: a transaction that is rolled back afterwards is counted too. And
//! how many mails that were held back are due.

use std::{sync::LazyLock, time::Duration};

use galaxy_service::{
    Tasks,
    telemetry::{ClosedCounter, meter},
};
use galaxy_store::{Db, Result};

use crate::{
    route::{Channel, RouteStatus},
    submit::Submitted,
};

static SUBMITTED: LazyLock<ClosedCounter<1>> = LazyLock::new(|| {
    ClosedCounter::new(
        "galaxy.notifications.submitted",
        "Notifications that were submitted, by outcome",
        [(
            "outcome",
            &["created", "duplicate", "account_deleted", "malformed"],
        )],
    )
});

static ROUTES: LazyLock<ClosedCounter<2>> = LazyLock::new(|| {
    ClosedCounter::new(
        "galaxy.notifications.routes",
        "States that notifications came to on a channel; pending ones wait for the end of quiet hours or for a digest",
        [
            ("channel", &["push", "mail"]),
            ("status", &["pending", "delivered", "skipped", "dead"]),
        ],
    )
});

const PERIOD: Duration = Duration::from_secs(15);

/// Exports the counters from now on, and starts the periodic task that measures the mails that are due.
pub fn start(tasks: &Tasks, db: &Db) {
    LazyLock::force(&SUBMITTED);
    LazyLock::force(&ROUTES);
    let depth = meter()
        .u64_gauge("galaxy.notifications.due")
        .with_description("Mails of notifications that are due, counted up to 100,000")
        .build();
    let age = meter()
        .f64_gauge("galaxy.notifications.due.age")
        .with_unit("s")
        .with_description("How long the oldest due mail of a notification has been due")
        .build();
    let db = db.clone();
    tasks.every("notification_metrics", PERIOD, move || {
        let (db, depth, age) = (db.clone(), depth.clone(), age.clone());
        async move {
            match due(&db).await {
                Ok((routes, seconds)) => {
                    depth.record(routes.unsigned_abs(), &[]);
                    age.record(seconds.max(0.0), &[]);
                }
                Err(error) => tracing::debug!(%error, "due notifications cannot be measured"),
            }
        }
    });
}

/// How many routes are due, and for how many seconds the oldest has been.
async fn due(db: &Db) -> Result<(i64, f64)> {
    let mut connection = db.acquire().await?;
    let row = sqlx::query!(
        r#"select count(*) as "routes!",
             coalesce(extract(epoch from now() - min(next_attempt_at)), 0)::float8 as "seconds!"
         from (select next_attempt_at from backend.notification_routes
               where status = 'pending' and next_attempt_at <= now()
               order by next_attempt_at limit 100000) as due"#
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok((row.routes, row.seconds))
}

pub(crate) fn submitted(outcome: &Submitted) {
    let outcome = match outcome {
        Submitted::Created(_) => "created",
        Submitted::Duplicate => "duplicate",
        Submitted::AccountDeleted => "account_deleted",
        Submitted::Malformed(_) => "malformed",
    };
    SUBMITTED.add([outcome], 1);
}

/// `count` routes over `channel` came to `status`.
pub(crate) fn routed(channel: Channel, status: RouteStatus, count: usize) {
    let channel = match channel {
        Channel::Push => "push",
        Channel::Mail => "mail",
    };
    let status = match status {
        RouteStatus::Pending => "pending",
        RouteStatus::Delivered => "delivered",
        RouteStatus::Skipped => "skipped",
        RouteStatus::Dead => "dead",
    };
    ROUTES.add([channel, status], count as u64);
}
