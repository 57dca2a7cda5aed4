-- Why: what runs for each game, the durable queue of what is to be done to it, and what was seen of
-- its health. `engine_versions` stands in the lobby's file, because games name a version.

create table backend.runtime_records (
    game_id              uuid        primary key references backend.games (game_id),
    game_name            text        not null check (char_length(game_name) between 1 and 200),
    current_container_id text        check (char_length(current_container_id) between 1 and 200),
    status               text        not null default 'starting'
                                     check (status in ('starting', 'running', 'generation_in_progress', 'generation_failed',
                                                       'engine_unreachable', 'paused', 'stopped', 'removed', 'finished',
                                                       'start_failed')),
    image_ref            text        check (char_length(image_ref) between 1 and 500),
    engine_version       text        collate "C" references backend.engine_versions (version),
    endpoint             text        check (char_length(endpoint) between 1 and 500),
    seed                 bigint,
    turn_schedule        text        not null check (char_length(turn_schedule) between 1 and 200),
    time_zone            text        not null default 'UTC' check (char_length(time_zone) between 1 and 64),
    current_turn         integer     not null default 0 check (current_turn >= 0),
    next_turn_at         timestamptz,
    skip_next_tick       boolean     not null default false,
    engine_health        text        not null default 'unknown' check (engine_health in ('unknown', 'healthy', 'unreachable')),
    missed_probes        integer     not null default 0 check (missed_probes >= 0),
    missing_readings     integer     not null default 0 check (missing_readings >= 0),
    last_error           text        check (char_length(last_error) <= 4000),
    version              bigint      not null default 1 check (version >= 1),
    started_at           timestamptz,
    paused_at            timestamptz,
    finished_at          timestamptz,
    last_observed_at     timestamptz,
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now()
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

comment on column backend.runtime_records.game_name is 'As it was at the start; events tell it to people';
comment on column backend.runtime_records.next_turn_at is 'Null while the schedule stands still (paused, stopped, finished)';
comment on column backend.runtime_records.skip_next_tick is 'A turn was forced: the next tick of the schedule passes without one';
comment on column backend.runtime_records.endpoint is 'Written by the driver alone; no other address of an engine is ever dialled';
comment on column backend.runtime_records.seed is 'Chosen once, so that a repeated init is the same init';
comment on column backend.runtime_records.missing_readings is
    'Readings in a row that did not find the container; nothing destructive follows from one alone';
comment on column backend.runtime_records.version is 'Grows with every change; snapshots carry it, and older ones are ignored';

-- Only games with a turn ahead, so that an idle tick costs the same at any number of games.
create index runtime_records_next_turn_at_idx on backend.runtime_records (next_turn_at, game_id) where next_turn_at is not null;
create index runtime_records_observe_idx on backend.runtime_records (last_observed_at nulls first, game_id)
    where endpoint is not null;
create index runtime_records_created_at_idx on backend.runtime_records (created_at, game_id);
create index runtime_records_status_idx on backend.runtime_records (status, created_at, game_id);
create index runtime_records_engine_version_idx on backend.runtime_records (engine_version);

create table backend.player_mappings (
    game_id            uuid        not null references backend.games (game_id),
    user_id            uuid        not null references backend.accounts (user_id),
    race_name          text        not null check (char_length(race_name) between 2 and 32),
    engine_player_uuid uuid        not null,
    banished_at        timestamptz,
    created_at         timestamptz not null default now(),
    primary key (game_id, user_id),
    unique (game_id, race_name),
    unique (game_id, engine_player_uuid)
);

comment on column backend.player_mappings.banished_at is 'Set when the membership ended: the proxies refuse this player from then on';

create index player_mappings_user_id_idx on backend.player_mappings (user_id);

-- No foreign key to games: rows are written for every due turn in bulk, a check per row would cost
-- more than the insert, and games are never deleted.
create table backend.runtime_operation_log (
    operation_id     uuid        primary key,
    game_id          uuid        not null,
    op               text        not null check (op in ('start', 'stop', 'restart', 'patch', 'turn', 'banish', 'remove')),
    status           text        not null default 'queued'
                                 check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    params           jsonb       not null default '{}' check (jsonb_typeof(params) = 'object'),
    requested_by     text        check (char_length(requested_by) between 1 and 200),
    run_after        timestamptz not null default now(),
    attempt          integer     not null default 0 check (attempt >= 0),
    max_attempts     integer     not null default 5 check (max_attempts >= 1),
    lease_owner      text        check (char_length(lease_owner) between 1 and 200),
    lease_token      uuid,
    lease_expires_at timestamptz,
    traceparent      text        check (char_length(traceparent) <= 200),
    created_at       timestamptz not null default now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    error            text        check (char_length(error) <= 4000),
    check ((status = 'running') = (lease_token is not null)),
    check ((lease_token is null) = (lease_expires_at is null)),
    check ((status in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);

comment on table backend.runtime_operation_log is
    'Queue and history in one. A worker holds an operation by its lease_token; a completion under another token is refused';
comment on column backend.runtime_operation_log.started_at is 'Of the first attempt';

-- At most one running operation per game, whatever the workers do.
create unique index runtime_operation_log_running_idx on backend.runtime_operation_log (game_id) where status = 'running';
-- Open work only: what is due, and what a dead worker left.
create index runtime_operation_log_due_idx on backend.runtime_operation_log (run_after, operation_id) where status = 'queued';
create index runtime_operation_log_lease_idx on backend.runtime_operation_log (lease_expires_at) where status = 'running';
create index runtime_operation_log_open_idx on backend.runtime_operation_log (game_id, run_after, operation_id)
    where status in ('queued', 'running');
create index runtime_operation_log_game_id_idx on backend.runtime_operation_log (game_id, created_at, operation_id);

-- No foreign key to games, for the same reason. The last 100 of a game are kept.
create table backend.runtime_health_snapshots (
    snapshot_id uuid        primary key,
    game_id     uuid        not null,
    observed_at timestamptz not null,
    payload     jsonb       not null,
    created_at  timestamptz not null default now()
);

create index runtime_health_snapshots_game_id_idx on backend.runtime_health_snapshots (game_id, observed_at, snapshot_id);
