-- Why: a state change and its events must be committed together, and the broker may lose what it
-- acknowledged. The outbox is the log that events are published from and can be published from
-- again; the inbox makes the second delivery of an event a no-op.

-- Partitioned by UTC day of created_at: old days are dropped, not deleted, so the table never
-- carries dead rows of the past. Sequence and clock order are not commit order: a reader looks for
-- unpublished rows and never for "later than the last one seen".
create table backend.event_outbox (
    event_id         uuid        not null,
    subject          text        not null check (char_length(subject) between 1 and 200),
    event_type       text        not null check (char_length(event_type) between 1 and 200),
    ce_subject       text        check (char_length(ce_subject) <= 200),
    content_type     text        not null default 'application/json' check (char_length(content_type) between 1 and 100),
    payload          bytea       not null,
    traceparent      text        check (char_length(traceparent) <= 200),
    created_at       timestamptz not null default now(),
    published_at     timestamptz,
    lease_expires_at timestamptz,
    attempts         integer     not null default 0 check (attempts >= 0),
    primary key (event_id, created_at)
) partition by range (created_at);

comment on table backend.event_outbox is
    'Events in the order they were written, kept past their publication so that a lost stream can be filled again';
comment on column backend.event_outbox.lease_expires_at is
    'A relay that takes a row sets this; another relay may take it after that time';

-- Holds only what waits: a published row leaves it, whatever the size of the log. The primary key leads
-- with event_id, so that no plan can take it for this order and read the published rows. UUIDv7 grows
-- with time: publishing a span again pages by event_id within bounds on created_at.
create index event_outbox_unpublished_idx on backend.event_outbox (created_at, event_id) where published_at is null;

-- Safety net: a row whose day has no partition yet (a clock far off, a missed ensure) still commits.
create table backend.event_outbox_default partition of backend.event_outbox default
    with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
          autovacuum_vacuum_cost_delay = 0);

-- Creates the missing daily partitions of `days` days from `first` on; returns how many it created.
-- Idempotent, and safe when several processes call it at once. ATTACH (unlike CREATE .. PARTITION OF)
-- does not block writers of other partitions. Rows that fell into the default partition move over.
create function backend.event_outbox_ensure_partitions(first date, days integer) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '5s'
as $$
declare
    day     date;
    name    text;
    lower   timestamptz;
    upper   timestamptz;
    created integer := 0;
begin
    if days not between 0 and 400 then
        raise exception 'days must be between 0 and 400, not %', days;
    end if;
    for day in select first + n from generate_series(0, days - 1) as n loop
        name := 'event_outbox_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('backend.' || name) is not null;
        -- One caller at a time, writers unhindered. A table lock and not an advisory one: taking it
        -- also makes this session see the partitions that others have created meanwhile.
        lock table only backend.event_outbox in share update exclusive mode;
        continue when to_regclass('backend.' || name) is not null;

        lower := day::timestamp at time zone 'UTC';
        upper := (day + 1)::timestamp at time zone 'UTC';
        -- Rows of this day may be on their way into the default partition, which is about to refuse
        -- them: let their writers wait here, before they choose a partition.
        if lower <= now() or exists (
            select from backend.event_outbox_default where created_at >= lower and created_at < upper
        ) then
            lock table only backend.event_outbox in share row exclusive mode;
        end if;
        execute format(
            'create table backend.%I (like backend.event_outbox including all) with (fillfactor = 60, '
            'autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000, '
            'autovacuum_vacuum_cost_delay = 0)', name);
        lock table backend.event_outbox_default in access exclusive mode;
        execute format(
            'with moved as (delete from backend.event_outbox_default '
            'where created_at >= %L and created_at < %L returning *) '
            'insert into backend.%I select * from moved', lower, upper, name);
        execute format(
            'alter table backend.event_outbox attach partition backend.%I for values from (%L) to (%L)',
            name, lower, upper);
        created := created + 1;
    end loop;
    return created;
end
$$;

-- Drops the daily partitions of days before `before`; returns how many it dropped. A day that still
-- holds an unpublished event stays. Gives up for now, rather than stall writers, when the table is busy.
create function backend.event_outbox_drop_partitions(before date) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '500ms'
as $$
declare
    name    text;
    waiting boolean;
    dropped integer := 0;
begin
    lock table only backend.event_outbox in share update exclusive mode;
    for name in
        select c.relname
        from pg_inherits i
        join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'backend.event_outbox'::regclass
          and c.relname ~ '^event_outbox_[0-9]{8}$'
          and to_date(right(c.relname, 8), 'YYYYMMDD') < before
        order by c.relname
    loop
        -- looked at before the lock that stops writers, and once more under it
        execute format('select exists (select from backend.%I where published_at is null)', name) into waiting;
        continue when waiting;
        lock table only backend.event_outbox in access exclusive mode;
        execute format('lock table backend.%I in access exclusive mode', name);
        execute format('select exists (select from backend.%I where published_at is null)', name) into waiting;
        continue when waiting;
        execute format('drop table backend.%I', name);
        dropped := dropped + 1;
    end loop;
    delete from backend.event_outbox_default
    where created_at < before::timestamp at time zone 'UTC' and published_at is not null;
    return dropped;
exception
    when lock_not_available then
        -- the block's work is undone as a whole; the next sweep tries again
        return 0;
end
$$;

select backend.event_outbox_ensure_partitions((now() at time zone 'UTC')::date, 8);

-- What a JetStream stream looked like when it was last written: when its incarnation differs or its
-- sequence went back, the stream was wiped or restored and the outbox is published again.
create table backend.event_streams (
    stream        text        primary key check (char_length(stream) between 1 and 100),
    incarnation   text        not null check (char_length(incarnation) between 1 and 200),
    last_sequence bigint      not null check (last_sequence >= 0),
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now()
);

comment on table backend.event_streams is 'Identity and last known sequence of each stream, to notice one that lost data';

create table backend.event_inbox (
    consumer   text        not null check (char_length(consumer) between 1 and 100),
    event_id   uuid        not null,
    created_at timestamptz not null default now(),
    primary key (consumer, event_id)
) with (autovacuum_vacuum_scale_factor = 0.05);

comment on table backend.event_inbox is
    'One row per event a consumer applied, written in the transaction that applied it; created_at is when it was received';

create index event_inbox_created_at_idx on backend.event_inbox (created_at);
