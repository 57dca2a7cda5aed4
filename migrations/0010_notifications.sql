-- Why: what players and operators are told, once each, and by which way. What cannot be told is kept
-- with its reason instead of blocking what follows it.

create table backend.notifications (
    notification_id uuid        primary key,
    kind            text        not null check (char_length(kind) between 1 and 100),
    idempotency_key text        not null check (char_length(idempotency_key) between 1 and 200),
    user_id         uuid        references backend.accounts (user_id),
    payload         jsonb       not null check (jsonb_typeof(payload) = 'object'),
    event_id        uuid,
    traceparent     text        check (char_length(traceparent) <= 200),
    created_at      timestamptz not null default now(),
    unique (kind, idempotency_key)
);

comment on column backend.notifications.user_id is 'Null when it goes to the operators';
comment on column backend.notifications.event_id is 'The event that caused it';

create index notifications_created_at_idx on backend.notifications (created_at, notification_id);
create index notifications_kind_idx on backend.notifications (kind, created_at, notification_id);
create index notifications_user_id_idx on backend.notifications (user_id, created_at, notification_id) where user_id is not null;

create table backend.notification_routes (
    route_id         uuid        primary key,
    notification_id  uuid        not null references backend.notifications (notification_id),
    channel          text        not null check (channel in ('push', 'mail')),
    status           text        not null default 'pending' check (status in ('pending', 'delivered', 'skipped', 'dead')),
    reason           text        check (char_length(reason) <= 4000),
    attempts         integer     not null default 0 check (attempts >= 0),
    next_attempt_at  timestamptz not null default now(),
    last_attempt_at  timestamptz,
    lease_token      uuid,
    lease_expires_at timestamptz,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    unique (notification_id, channel),
    check ((lease_token is null) = (lease_expires_at is null)),
    check (lease_token is null or status = 'pending')
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);

comment on column backend.notification_routes.status is
    'delivered: handed to the push outbox or the mail outbox; skipped: not wanted or no longer of use; dead: given up';
comment on column backend.notification_routes.next_attempt_at is
    'Also the time a mail waits for (quiet hours, digest); while leased, the end of the lease';

create index notification_routes_due_idx on backend.notification_routes (next_attempt_at, route_id) where status = 'pending';

create table backend.notification_dead_letters (
    dead_letter_id  uuid        primary key,
    notification_id uuid        not null references backend.notifications (notification_id),
    route_id        uuid        references backend.notification_routes (route_id),
    archived_at     timestamptz not null default now(),
    reason          text        not null check (char_length(reason) between 1 and 4000),
    replayed_at     timestamptz,
    created_at      timestamptz not null default now()
);

create index notification_dead_letters_archived_at_idx on backend.notification_dead_letters (archived_at, dead_letter_id);
create index notification_dead_letters_notification_id_idx on backend.notification_dead_letters (notification_id);
create index notification_dead_letters_route_id_idx on backend.notification_dead_letters (route_id) where route_id is not null;

create table backend.notification_malformed_intents (
    id          uuid        primary key,
    received_at timestamptz not null default now(),
    payload     jsonb       not null,
    reason      text        not null check (char_length(reason) between 1 and 4000),
    event_id    uuid,
    created_at  timestamptz not null default now()
);

comment on column backend.notification_malformed_intents.payload is 'As it came; what was no JSON is kept as a JSON string';

create index notification_malformed_intents_received_at_idx on backend.notification_malformed_intents (received_at, id);
