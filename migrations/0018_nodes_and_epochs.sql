-- Why: engines run on several nodes, and no late hand may change an engine that another one has taken over. A record says
-- on which node its engine is and which epoch of it counts; an operation that must wait says so and gives its slot back.
-- Everything here expands: processes of the version before go on working beside it.

create table backend.deployment (
    only_row      boolean     primary key default true check (only_row),
    deployment_id text        not null check (char_length(deployment_id) between 1 and 63),
    created_at    timestamptz not null default now()
);

comment on table backend.deployment is
    'Whose engines these are. Written once, at the first start; a runtime manager with another id refuses to run';

create table backend.runtime_nodes (
    node_id          text        primary key check (char_length(node_id) between 1 and 200),
    driver           text        not null check (driver in ('docker', 'kubernetes', 'process')),
    name             text        not null check (char_length(name) between 1 and 200),
    capacity         integer     not null default 0 check (capacity >= 0),
    heartbeat_at     timestamptz not null,
    listed_at        timestamptz,
    lost_at          timestamptz,
    draining         boolean     not null default false,
    lease_owner      text        check (char_length(lease_owner) between 1 and 200),
    lease_token      uuid,
    lease_expires_at timestamptz,
    created_at       timestamptz not null default now(),
    check ((lease_token is null) = (lease_expires_at is null))
);

comment on table backend.runtime_nodes is
    'Places that run engines. One runtime manager at a time watches a node, under the lease; others serve it too';
comment on column backend.runtime_nodes.capacity is 'Engines at most; 0 for no limit';
comment on column backend.runtime_nodes.listed_at is 'When all its engines were last listed';
comment on column backend.runtime_nodes.lost_at is 'Since when no runtime manager of it has said anything; its games say host_lost';
comment on column backend.runtime_nodes.draining is 'No new engine is started on it';

alter table backend.runtime_records
    add column node_id        text    check (char_length(node_id) between 1 and 200),
    add column epoch          bigint  not null default 0 check (epoch >= 0),
    add column image_digest   text    check (char_length(image_digest) between 1 and 500),
    add column engine_token   text    check (char_length(engine_token) between 16 and 200),
    add column exit_code      integer,
    add column oom_killed     boolean not null default false,
    add column restarts       integer not null default 0 check (restarts >= 0),
    add column restarted_at   timestamptz,
    add column missing_since  timestamptz;

comment on column backend.runtime_records.node_id is 'Where its engine is, a row of runtime_nodes; null before the first start';
comment on column backend.runtime_records.epoch is
    'Grows before each engine that is made for the game; an engine of another epoch is not this game''s';
comment on column backend.runtime_records.engine_token is 'ENGINE_TOKEN of the current epoch: what the engine asks of its callers';
comment on column backend.runtime_records.exit_code is 'Of the engine''s last end; 128 + the signal if one ended it';
comment on column backend.runtime_records.restarts is 'Restarts in a row after the engine ended by itself; 0 again when it has stayed up';
comment on column backend.runtime_records.missing_since is 'Since when complete listings of its node do not show the engine';

-- Games whose engine is or may be somewhere: reconciliation reads them all, so finished ones must not count.
create index runtime_records_node_id_idx on backend.runtime_records (node_id, game_id)
    where current_container_id is not null or finished_at is null;

alter table backend.runtime_records
    drop constraint runtime_records_engine_health_check,
    add constraint runtime_records_engine_health_check
        check (engine_health in ('unknown', 'healthy', 'unreachable', 'crash_loop', 'host_lost')) not valid;
alter table backend.runtime_records validate constraint runtime_records_engine_health_check;

alter table backend.runtime_operation_log
    add column parked              boolean     not null default false,
    add column waiting_for         text        check (char_length(waiting_for) between 1 and 1000),
    add column epoch               bigint,
    add column epoch_at            timestamptz,
    add column cancel_requested_at timestamptz;

comment on column backend.runtime_operation_log.parked is
    'Begun, and waiting without a worker: it keeps its place before all other operations of its game';
comment on column backend.runtime_operation_log.waiting_for is 'For operators: what a parked operation waits for';
comment on column backend.runtime_operation_log.epoch is 'The epoch that the operation took for the engine it makes';
comment on column backend.runtime_operation_log.cancel_requested_at is
    'The operation is not wanted any more: its next step undoes it';
