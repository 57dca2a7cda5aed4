//! Mail that waited: claimed when it is due, decided about anew, and put into the mail outbox.

use std::time::Duration;

use galaxy_core::{LeaseToken, NotificationId, RouteId, Timestamp, UserId};
use galaxy_store::{Db, Result, Tx};
use serde_json::{Map, Value, json};

use crate::{
    dead_letters::bury,
    kind::{Group, Kind, Mail},
    mail,
    plan::{self, Contact, MailPlan},
    settings::Settings,
    store,
};

/// Attempts after which a route is given up.
const MAX_ATTEMPTS: i32 = 8;
/// Turns in one digest.
const MAX_DIGEST: i64 = 200;
/// The mail that gathers new turns.
const DIGEST: &str = "turns.digest";

/// A route that this process may deliver for as long as it holds the lease.
#[derive(Debug, Clone, Copy)]
pub struct DueRoute {
    /// The route.
    pub route_id: RouteId,
    lease: LeaseToken,
}

/// Claims up to `room` due routes for `length`.
#[tracing::instrument(name = "notifications.claim", level = "debug", skip_all)]
pub async fn claim(db: &Db, room: u32, length: Duration) -> Result<Vec<DueRoute>> {
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
        i64::from(room),
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

/// A claimed route with its notification, locked.
struct Waiting {
    route_id: RouteId,
    notification_id: NotificationId,
    kind: Option<&'static Kind>,
    payload: Map<String, Value>,
    attempts: i32,
}

/// Delivers a claimed route in one transaction. Nothing happens if the lease is gone.
#[tracing::instrument(name = "notifications.deliver", skip_all, fields(route_id = %route.route_id))]
pub async fn deliver(db: &Db, settings: &Settings, route: DueRoute, now: Timestamp) -> Result<()> {
    let mut tx = db.begin().await?;
    let Some(contact) = contact(&mut tx, route).await? else {
        return Ok(());
    };
    let waiting = if contact.preferences.turns_digest {
        lock_with_other_turns(&mut tx, route, contact.user_id).await?
    } else {
        lock(&mut tx, route).await?
    };
    let Some(first) = waiting
        .iter()
        .find(|found| found.route_id == route.route_id)
    else {
        return Ok(());
    };
    let Some(kind) = first.kind.filter(|_| first.attempts <= MAX_ATTEMPTS) else {
        bury(
            &mut tx,
            route.route_id,
            "the notification could not be mailed",
        )
        .await?;
        return tx.commit().await;
    };
    match decide(kind, &contact, now) {
        MailPlan::Send => send(&mut tx, kind, &waiting, first, &contact, settings).await?,
        MailPlan::Wait(until) => postpone(&mut tx, route, until).await?,
        MailPlan::Skip(reason) => {
            close(&mut tx, &[route.route_id], "skipped", Some(reason)).await?;
        }
        MailPlan::None => close(&mut tx, &[route.route_id], "skipped", Some("not mailed")).await?,
    }
    tx.commit().await
}

/// As for a new notification, but a digest's time has come.
fn decide(kind: &Kind, contact: &Contact, now: Timestamp) -> MailPlan {
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
    waiting: &[Waiting],
    first: &Waiting,
    contact: &Contact,
    settings: &Settings,
) -> Result<()> {
    let letter = if waiting.len() > 1 {
        let mail = Mail::Preferred(Group::Turns);
        mail::write_as(DIGEST, mail, &digest(waiting), Some(contact), settings)
    } else {
        mail::write(kind, &first.payload, Some(contact), settings)
    };
    match letter {
        Ok(letter) => {
            mail::send(tx, &[(first.notification_id, &letter)]).await?;
            let routes: Vec<_> = waiting.iter().map(|found| found.route_id).collect();
            close(tx, &routes, "delivered", None).await
        }
        Err(error) => bury(tx, first.route_id, &error.to_string()).await,
    }
}

/// What the digest tells: each game once, with its newest turn.
fn digest(waiting: &[Waiting]) -> Map<String, Value> {
    let mut games: Vec<(&Value, &Value, i64)> = vec![];
    for found in waiting {
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

/// The player that the route leads to, if the lease still holds.
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

async fn lock(tx: &mut Tx, route: DueRoute) -> Result<Vec<Waiting>> {
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
    Ok(rows.into_iter().map(Waiting::from).collect())
}

/// The route and, if it is about a turn, every other waiting turn of the player, whoever has claimed it. Locked in one
/// order, so that two who gather at once wait for each other and the second finds nothing left.
async fn lock_with_other_turns(
    tx: &mut Tx,
    route: DueRoute,
    user_id: UserId,
) -> Result<Vec<Waiting>> {
    let rows = sqlx::query_as!(
        Row,
        "select r.route_id, r.notification_id, r.attempts, n.kind, n.payload
         from backend.notification_routes r join backend.notifications n on n.notification_id = r.notification_id
         where r.status = 'pending' and n.user_id = $3
           and ((r.route_id = $1 and r.lease_token = $2) or (n.kind = 'game.turn_ready' and exists (
               select from backend.notification_routes own
               join backend.notifications about on about.notification_id = own.notification_id
               where own.route_id = $1 and about.kind = 'game.turn_ready')))
         order by r.route_id limit $4 for update of r",
        route.route_id.uuid(),
        route.lease.uuid(),
        user_id.uuid(),
        MAX_DIGEST,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(Waiting::from).collect())
}

struct Row {
    route_id: uuid::Uuid,
    notification_id: uuid::Uuid,
    attempts: i32,
    kind: String,
    payload: Value,
}

impl From<Row> for Waiting {
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

async fn close(tx: &mut Tx, routes: &[RouteId], status: &str, reason: Option<&str>) -> Result<()> {
    let routes: Vec<_> = routes.iter().map(|route| route.uuid()).collect();
    sqlx::query!(
        "update backend.notification_routes
         set status = $2, reason = $3, lease_token = null, lease_expires_at = null, updated_at = now()
         where route_id = any($1)",
        &routes,
        status,
        reason,
    )
    .execute(&mut **tx)
    .await?;
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
