//! Mails that waited for the end of quiet hours or for the digest: claimed when due, planned again, enqueued.

use std::time::Duration;

use galaxy_core::{LeaseToken, NotificationId, RouteId, Timestamp, UserId};
use galaxy_store::{Db, Result, Tx};
use serde_json::{Map, Value, json};

use crate::{
    dead_letters,
    kind::{Group, Kind, MailPolicy, TURN_READY},
    mail, metrics,
    plan::{self, Contact, MailPlan},
    route::{Channel, RouteStatus},
    settings::Settings,
    store,
};

/// Attempts after which a route is given up.
const MAX_ATTEMPTS: i32 = 8;
/// Turns in one digest at most.
const MAX_DIGEST: i64 = 200;
/// The template that lists several new turns.
const DIGEST: &str = "turns.digest";

/// A route that this process may deliver for as long as it holds the lease.
#[derive(Debug, Clone, Copy)]
pub struct DueRoute {
    /// The row in `notification_routes`.
    pub route_id: RouteId,
    lease: LeaseToken,
}

/// Claims up to `limit` due routes for `length`.
#[tracing::instrument(name = "notifications.claim", level = "debug", skip_all)]
pub async fn claim(db: &Db, limit: u32, length: Duration) -> Result<Vec<DueRoute>> {
    let lease = LeaseToken::generate();
    let mut connection = db.acquire().await?;
    let routes = sqlx::query_scalar!(
        "with due as (
             select route_id from backend.notification_routes
             where status = 'pending' and next_attempt_at <= now()
             order by next_attempt_at, route_id limit $1 for update skip locked)
         update backend.notification_routes r
         set lease_token = $2, lease_expires_at = now() + make_interval(secs => $3),
             next_attempt_at = now() + make_interval(secs => $3), attempts = r.attempts + 1,
             last_attempt_at = now(), updated_at = now()
         from due where r.route_id = due.route_id
         returning r.route_id",
        i64::from(limit),
        lease.uuid(),
        length.as_secs_f64(),
    )
    .fetch_all(&mut *connection)
    .await?;
    let routes = routes.into_iter().map(|id| DueRoute {
        route_id: RouteId(id),
        lease,
    });
    Ok(routes.collect())
}

/// A claimed route with its notification; the row is locked.
struct LockedRoute {
    route_id: RouteId,
    notification_id: NotificationId,
    kind: Option<&'static Kind>,
    payload: Map<String, Value>,
    attempts: i32,
}

/// Delivers a claimed route in one transaction. Does nothing if the lease was lost.
#[tracing::instrument(name = "notifications.deliver", skip_all, fields(route_id = %route.route_id))]
pub async fn deliver(db: &Db, settings: &Settings, route: DueRoute, now: Timestamp) -> Result<()> {
    let mut tx = db.begin().await?;
    let Some(contact) = contact(&mut tx, route).await? else {
        return Ok(());
    };
    let locked = if contact.preferences.turns_digest {
        lock_with_other_turns(&mut tx, route, contact.user_id).await?
    } else {
        lock(&mut tx, route).await?
    };
    let Some(claimed) = locked.iter().find(|found| found.route_id == route.route_id) else {
        return Ok(());
    };
    let Some(kind) = claimed.kind.filter(|_| claimed.attempts <= MAX_ATTEMPTS) else {
        let reason = "the notification could not be mailed";
        give_up(&mut tx, route.route_id, reason).await?;
        return tx.commit().await;
    };
    match plan_again(kind, &contact, now) {
        MailPlan::Send => send(&mut tx, kind, &locked, claimed, &contact, settings).await?,
        MailPlan::Wait(until) => postpone(&mut tx, route, until).await?,
        MailPlan::Skip(reason) => {
            close(
                &mut tx,
                &[route.route_id],
                RouteStatus::Skipped,
                Some(reason),
            )
            .await?;
        }
        MailPlan::None => {
            let reason = Some("not mailed");
            close(&mut tx, &[route.route_id], RouteStatus::Skipped, reason).await?;
        }
    }
    tx.commit().await
}

/// The plan as for a new notification, except that the digest is due now.
fn plan_again(kind: &Kind, contact: &Contact, now: Timestamp) -> MailPlan {
    if contact.is_deleted {
        return MailPlan::Skip("the account is deleted");
    }
    let mut contact = contact.clone();
    contact.preferences.turns_digest = false;
    plan::mail(kind, Some(&contact), now)
}

async fn send(
    tx: &mut Tx,
    kind: &'static Kind,
    locked: &[LockedRoute],
    claimed: &LockedRoute,
    contact: &Contact,
    settings: &Settings,
) -> Result<()> {
    let rendered = if locked.len() > 1 {
        let policy = MailPolicy::Preferred(Group::Turns);
        mail::render_template(DIGEST, policy, &digest(locked), Some(contact), settings)
    } else {
        mail::render(kind, &claimed.payload, Some(contact), settings)
    };
    match rendered {
        Ok(rendered) => {
            mail::enqueue(tx, &[(claimed.notification_id, &rendered)]).await?;
            let routes: Vec<_> = locked.iter().map(|found| found.route_id).collect();
            close(tx, &routes, RouteStatus::Delivered, None).await
        }
        Err(error) => give_up(tx, claimed.route_id, &error.to_string()).await,
    }
}

/// The digest's context: each game once, with its newest turn.
fn digest(locked: &[LockedRoute]) -> Map<String, Value> {
    let mut games: Vec<(&Value, &Value, i64)> = vec![];
    for found in locked {
        let member = |name: &str| found.payload.get(name).unwrap_or(&Value::Null);
        let (id, name) = (member("game_id"), member("game_name"));
        let turn = member("turn").as_i64().unwrap_or_default();
        match games.iter_mut().find(|(known, ..)| *known == id) {
            Some(game) => game.2 = game.2.max(turn),
            None => games.push((id, name, turn)),
        }
    }
    let games: Vec<_> = games
        .into_iter()
        .map(|(_, game_name, turn)| json!({ "game_name": game_name, "turn": turn }))
        .collect();
    Map::from_iter([("games".to_owned(), Value::Array(games))])
}

/// The recipient of the route; `None` if the lease was lost.
async fn contact(tx: &mut Tx, route: DueRoute) -> Result<Option<Contact>> {
    let user = sqlx::query_scalar!(
        r#"select n.user_id as "user_id!" from backend.notification_routes r
         join backend.notifications n on n.notification_id = r.notification_id
         where r.route_id = $1 and r.lease_token = $2 and n.user_id is not null"#,
        route.route_id.uuid(),
        route.lease.uuid(),
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(user) = user else {
        return Ok(None);
    };
    Ok(store::contacts(tx, &[user]).await?.remove(&UserId(user)))
}

async fn lock(tx: &mut Tx, route: DueRoute) -> Result<Vec<LockedRoute>> {
    let rows = sqlx::query_as!(
        Row,
        "select r.route_id, r.notification_id, r.attempts, n.kind, n.payload
         from backend.notification_routes r join backend.notifications n on n.notification_id = r.notification_id
         where r.route_id = $1 and r.lease_token = $2 for update of r",
        route.route_id.uuid(),
        route.lease.uuid(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(LockedRoute::from).collect())
}

/// The route and, if it is about a turn, all other pending turns of the player, even those that another process has
/// claimed. Rows are locked in the order of their ids: of two concurrent digests the second waits and finds nothing left.
async fn lock_with_other_turns(
    tx: &mut Tx,
    route: DueRoute,
    user_id: UserId,
) -> Result<Vec<LockedRoute>> {
    let rows = sqlx::query_as!(
        Row,
        "select r.route_id, r.notification_id, r.attempts, n.kind, n.payload
         from backend.notification_routes r join backend.notifications n on n.notification_id = r.notification_id
         where r.status = 'pending' and n.user_id = $3
           and ((r.route_id = $1 and r.lease_token = $2) or (n.kind = $5 and exists (
               select from backend.notification_routes own
               join backend.notifications about on about.notification_id = own.notification_id
               where own.route_id = $1 and about.kind = $5)))
         order by r.route_id limit $4 for update of r",
        route.route_id.uuid(),
        route.lease.uuid(),
        user_id.uuid(),
        MAX_DIGEST,
        TURN_READY,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(LockedRoute::from).collect())
}

struct Row {
    route_id: uuid::Uuid,
    notification_id: uuid::Uuid,
    attempts: i32,
    kind: String,
    payload: Value,
}

impl From<Row> for LockedRoute {
    fn from(row: Row) -> Self {
        Self {
            route_id: RouteId(row.route_id),
            notification_id: NotificationId(row.notification_id),
            kind: Kind::find(&row.kind),
            payload: match row.payload {
                Value::Object(members) => members,
                _ => Map::new(),
            },
            attempts: row.attempts,
        }
    }
}

async fn close(
    tx: &mut Tx,
    routes: &[RouteId],
    status: RouteStatus,
    reason: Option<&str>,
) -> Result<()> {
    let routes: Vec<_> = routes.iter().map(|route| route.uuid()).collect();
    sqlx::query!(
        "update backend.notification_routes
         set status = $2, reason = $3, lease_token = null, lease_expires_at = null, updated_at = now()
         where route_id = any($1)",
        &routes,
        status as _,
        reason,
    )
    .execute(&mut **tx)
    .await?;
    metrics::routed(Channel::Mail, status, routes.len());
    Ok(())
}

async fn give_up(tx: &mut Tx, route: RouteId, reason: &str) -> Result<()> {
    dead_letters::give_up(tx, route, reason).await?;
    metrics::routed(Channel::Mail, RouteStatus::Dead, 1);
    Ok(())
}

async fn postpone(tx: &mut Tx, route: DueRoute, until: Timestamp) -> Result<()> {
    sqlx::query!(
        "update backend.notification_routes
         set next_attempt_at = $2, attempts = 0, lease_token = null, lease_expires_at = null, updated_at = now()
         where route_id = $1",
        route.route_id.uuid(),
        until,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
