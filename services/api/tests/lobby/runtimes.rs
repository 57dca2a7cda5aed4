//! What operators see of runtimes, and what they can do when something went wrong.

use galaxy_core::GameId;
use galaxy_events::catalogue::runtime::OperationFinished;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Answer, Lobby, text};

/// A running game of a lobby of its own.
struct Table {
    lobby: Lobby,
    game: GameId,
}

impl Table {
    async fn new(pool: PgPool) -> Self {
        let lobby = Lobby::new(pool).await;
        let owner = lobby.player().await;
        let (game, _) = lobby.running_game(owner, "Zorg").await;
        let table = Self { lobby, game };
        // What the start would have left.
        table
            .set("update backend.runtime_operation_log set status = 'succeeded', finished_at = now()")
            .await;
        table
            .set("update backend.runtime_records set endpoint = 'http://127.0.0.1:9', next_turn_at = now() + interval '1 h'")
            .await;
        table
    }

    async fn set(&self, change: &'static str) {
        sqlx::query(change)
            .execute(self.lobby.world.db.pool())
            .await
            .unwrap();
    }

    async fn get(&self, path: &str) -> Answer {
        let path = format!("/runtimes/{}{path}", self.game);
        self.lobby.admin("GET", &path, None).await
    }

    async fn act(&self, path: &str) -> Answer {
        let path = format!("/runtimes/{}{path}", self.game);
        self.lobby.admin("POST", &path, None).await
    }

    async fn why(&self) -> Value {
        self.get("/why").await.expect(200)
    }

    async fn audited(&self) -> Vec<String> {
        sqlx::query_scalar(
            "select action from backend.admin_audit_log order by created_at, audit_id",
        )
        .fetch_all(self.lobby.world.db.pool())
        .await
        .unwrap()
    }
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn why_names_the_schedule_the_operation_or_the_trouble(pool: PgPool) {
    let table = Table::new(pool).await;
    assert_eq!(table.why().await["code"], "schedule");
    let restart = table.act("/restart").await.expect(202);
    let why = table.why().await;
    assert_eq!(why["code"], "operation_queued");
    assert_eq!(why["details"]["operation_id"], restart["operation_id"]);
    table
        .set("update backend.runtime_operation_log set status = 'running', lease_token = gen_random_uuid(),
              lease_owner = 'manager-1', lease_expires_at = now() + interval '30 s' where status = 'queued'")
        .await;
    let why = table.why().await;
    assert_eq!(why["code"], "operation_running");
    assert_eq!(why["details"]["owner"], "manager-1");
    let operations = table.get("/operations?limit=1").await.expect(200);
    assert_eq!(operations["items"][0]["lease_owner"], "manager-1");
    table
        .set("update backend.runtime_operation_log set status = 'failed', lease_token = null, lease_expires_at = null,
              finished_at = now() where status = 'running'")
        .await;
    table
        .set("update backend.runtime_records set engine_health = 'crash_loop', exit_code = 3, restarts = 5")
        .await;
    let why = table.why().await;
    assert_eq!(why["code"], "crash_loop");
    assert_eq!(why["details"]["exit_code"], 3);
    let runtime = table.get("").await.expect(200);
    assert_eq!(
        (&runtime["exit_code"], &runtime["restarts"]),
        (&json!(3), &json!(5))
    );

    let owner = table.lobby.player().await;
    let draft = table.lobby.draft(owner, json!({})).await;
    let path = format!("/runtimes/{draft}/why");
    let why = table.lobby.admin("GET", &path, None).await.expect(200);
    assert_eq!(why["code"], "not_started");
    let path = format!("/runtimes/{}/why", GameId::generate());
    let unknown = table.lobby.admin("GET", &path, None).await;
    unknown.refused(404, "not_found");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn only_operations_that_wait_are_cancelled(pool: PgPool) {
    let table = Table::new(pool).await;
    let turn = table.act("/force-next-turn").await.expect(202);
    let cancel = format!("/operations/{}/cancel", text(&turn, "operation_id"));
    table
        .set("update backend.runtime_records set status = 'generation_in_progress'")
        .await;
    let ended = table.act(&cancel).await.expect(200);
    assert_eq!(ended["status"], "cancelled");
    let runtime = table.get("").await.expect(200);
    assert_eq!(
        runtime["status"], "running",
        "nothing is generated any more"
    );
    let told = table.lobby.world.events::<OperationFinished>().await;
    assert!(!told[0].succeeded);
    table.act(&cancel).await.refused(409, "invalid_transition");
    assert_eq!(
        table.audited().await,
        ["runtimes.force_next_turn", "runtimes.cancel_operation"]
    );

    let restart = table.act("/restart").await.expect(202);
    let cancel = format!("/operations/{}/cancel", text(&restart, "operation_id"));
    let elsewhere = format!("/runtimes/{}{cancel}", GameId::generate());
    let unknown = table.lobby.admin("POST", &elsewhere, None).await;
    unknown.refused(404, "not_found");
    table
        .set("update backend.runtime_operation_log set status = 'running', lease_token = gen_random_uuid(),
              lease_expires_at = now() where status = 'queued'")
        .await;
    table.act(&cancel).await.refused(409, "invalid_transition");

    table
        .set("update backend.runtime_operation_log set op = 'remove', status = 'queued', lease_token = null,
              lease_expires_at = null where status = 'running'")
        .await;
    table.act(&cancel).await.refused(409, "invalid_transition");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_parked_restart_that_is_cancelled_is_claimed_at_once_to_be_undone(pool: PgPool) {
    let table = Table::new(pool).await;
    let restart = table.act("/restart").await.expect(202);
    table
        .set(
            "update backend.runtime_operation_log set parked = true, waiting_for = 'the image',
              run_after = now() + interval '1 h' where status = 'queued'",
        )
        .await;
    let cancel = format!("/operations/{}/cancel", text(&restart, "operation_id"));
    assert_eq!(table.act(&cancel).await.expect(200)["status"], "queued");
    let undone = "select count(*) from backend.runtime_operation_log
                  where cancel_requested_at is not null and run_after <= now()";
    assert_eq!(table.lobby.world.count(undone).await, 1);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn cancelling_a_start_that_nobody_began_fails_the_start(pool: PgPool) {
    let table = Table::new(pool).await;
    let (lobby, game) = (&table.lobby, table.game);
    table
        .set("update backend.runtime_operation_log set status = 'queued', finished_at = null where op = 'start'")
        .await;
    lobby.runtime_is(game, "starting").await;
    table
        .set("update backend.games set status = 'starting'")
        .await;
    let operations = table.get("/operations").await.expect(200);
    let id = text(&operations["items"][0], "operation_id");
    let cancel = format!("/operations/{id}/cancel");
    table.act(&cancel).await.expect(200);
    assert_eq!(table.get("").await.expect(200)["status"], "start_failed");
    let told = lobby.world.events::<OperationFinished>().await;
    lobby.apply_event(told.last().unwrap()).await;
    assert_eq!(lobby.status(game).await, "start_failed");
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn failed_and_overdue_operations_of_all_games_are_listed(pool: PgPool) {
    let table = Table::new(pool).await;
    let list = async |query: &str| {
        let path = format!("/operations?{query}");
        table.lobby.admin("GET", &path, None).await
    };
    let failed = table.act("/restart").await.expect(202);
    table
        .set("update backend.runtime_operation_log set status = 'failed', finished_at = now() where status = 'queued'")
        .await;
    let waiting = table.act("/force-next-turn").await.expect(202);
    let page = list("status=failed").await.expect(200);
    assert_eq!(page["items"][0]["operation_id"], failed["operation_id"]);
    let none = list("status=overdue").await.expect(200);
    assert_eq!(none["items"], json!([]));
    table
        .lobby
        .world
        .clock
        .advance(jiff::SignedDuration::from_mins(6));
    let page = list("status=overdue&limit=1").await.expect(200);
    assert_eq!(page["items"][0]["operation_id"], waiting["operation_id"]);
    assert!(page["next_cursor"].is_null());
    list("status=running").await.expect(400);
    list("").await.expect(400);
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn turns_are_retried_and_engines_stopped_where_that_makes_sense(pool: PgPool) {
    let table = Table::new(pool).await;
    table
        .act("/retry-turn")
        .await
        .refused(409, "invalid_transition");
    table
        .lobby
        .runtime_is(table.game, "generation_failed")
        .await;
    let retried = table.act("/retry-turn").await.expect(202);
    assert_eq!(retried["params"]["mode"], "retry");
    table
        .act("/take-engine-turn")
        .await
        .refused(409, "turn_in_progress");
    let stopped = table.act("/stop").await.expect(202);
    assert_eq!(stopped["op"], "stop");
    let taken = table.act("/take-engine-turn").await.expect(202);
    assert_eq!(taken["params"]["mode"], "take");
    table.lobby.runtime_is(table.game, "stopped").await;
    table.act("/stop").await.refused(409, "invalid_transition");
    assert_eq!(
        table.audited().await,
        [
            "runtimes.retry_turn",
            "runtimes.stop",
            "runtimes.take_engine_turn"
        ]
    );
}

#[sqlx::test(migrator = "galaxy_store::MIGRATOR")]
async fn a_node_is_drained_on_the_record_and_one_without_a_manager_gives_no_log(pool: PgPool) {
    let table = Table::new(pool).await;
    table.get("/logs").await.refused(409, "no_engine");
    table
        .set(
            "with node as (insert into backend.runtime_nodes (node_id, driver, name, heartbeat_at)
                            values ('A:B', 'docker', 'host', now()))
              update backend.runtime_records set node_id = 'A:B'",
        )
        .await;
    let drained = table.lobby.admin("POST", "/nodes/A:B/drain", None).await;
    assert_eq!(drained.expect(200)["draining"], true);
    let back = table.lobby.admin("POST", "/nodes/A:B/undrain", None).await;
    assert_eq!(back.expect(200)["draining"], false);
    table
        .get("/logs?tail=0")
        .await
        .refused(400, "invalid_request");
    table.get("/logs").await.refused(503, "node_unavailable");
    assert_eq!(
        table.audited().await,
        ["nodes.drain", "nodes.undrain", "runtimes.logs"]
    );
}
