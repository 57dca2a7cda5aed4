-- Why: the mail outbox. A mail is written in the transaction of what caused it and sent afterwards,
-- so that no mail is lost with a process and none is sent for what was rolled back.

create table backend.mail_payloads (
    payload_id   uuid        primary key,
    content_type text        not null check (char_length(content_type) between 1 and 100),
    subject      text        not null check (char_length(subject) <= 998 and subject !~ '[[:cntrl:]]'),
    body         bytea       not null,
    html         bytea,
    secret       boolean     not null default false,
    erased_at    timestamptz,
    created_at   timestamptz not null default now(),
    check (erased_at is null or (octet_length(body) = 0 and html is null))
);

comment on column backend.mail_payloads.body is 'The text part, empty once erased';
comment on column backend.mail_payloads.secret is
    'Holds a login code: shown to nobody, erased as soon as the delivery is over; others are erased after 30 days';

create index mail_payloads_unerased_idx on backend.mail_payloads (created_at, payload_id) where erased_at is null;

create table backend.mail_deliveries (
    delivery_id      uuid        primary key,
    template_id      text        not null check (char_length(template_id) between 1 and 100),
    idempotency_key  text        not null check (char_length(idempotency_key) between 1 and 200),
    status           text        not null default 'queued'
                                 check (status in ('queued', 'sending', 'sent', 'dead', 'expired', 'dropped')),
    priority         smallint    not null default 1 check (priority between 0 and 9),
    attempts         integer     not null default 0 check (attempts >= 0),
    next_attempt_at  timestamptz not null default now(),
    payload_id       uuid        not null references backend.mail_payloads (payload_id),
    user_id          uuid        references backend.accounts (user_id),
    message_id       text        not null check (char_length(message_id) between 1 and 250 and message_id !~ '[[:cntrl:][:space:]]'),
    list_unsubscribe text        check (char_length(list_unsubscribe) <= 998 and list_unsubscribe !~ '[[:cntrl:]]'),
    resend_of        uuid        references backend.mail_deliveries (delivery_id),
    expires_at       timestamptz,
    lease_token      uuid,
    lease_expires_at timestamptz,
    last_error       text        check (char_length(last_error) <= 4000),
    traceparent      text        check (char_length(traceparent) <= 200),
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    finished_at      timestamptz,
    unique (template_id, idempotency_key),
    check ((status = 'sending') = (lease_token is not null)),
    check ((lease_token is null) = (lease_expires_at is null)),
    check ((status in ('queued', 'sending')) = (finished_at is null))
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0);

comment on table backend.mail_deliveries is
    'queued (new or waiting to be tried again) → sending → sent; dead: given up or refused, expired: too late to be of use, '
    'dropped: its user is gone. A completion under another lease_token is refused';
comment on column backend.mail_deliveries.priority is 'Smaller goes first; 0 is for login codes';
comment on column backend.mail_deliveries.next_attempt_at is
    'While sending, set to the end of the lease: so one index finds new, postponed and abandoned work';
comment on column backend.mail_deliveries.message_id is 'The same on every attempt, so that a duplicate after a crash is recognisable';
comment on column backend.mail_deliveries.expires_at is 'Not sent after this time: a login code that is no longer valid';
comment on column backend.mail_deliveries.user_id is 'Null for login codes and operators; else pending mail is dropped with the account';

-- Open work only; finished rows leave it. A claim ranges over next_attempt_at for one priority at a time.
create index mail_deliveries_due_idx on backend.mail_deliveries (priority, next_attempt_at, delivery_id)
    where status in ('queued', 'sending');
create index mail_deliveries_created_at_idx on backend.mail_deliveries (created_at, delivery_id);
create index mail_deliveries_failed_idx on backend.mail_deliveries (status, created_at, delivery_id)
    where status in ('dead', 'expired', 'dropped');
create index mail_deliveries_user_id_idx on backend.mail_deliveries (user_id, created_at, delivery_id) where user_id is not null;
create index mail_deliveries_payload_id_idx on backend.mail_deliveries (payload_id);
create index mail_deliveries_resend_of_idx on backend.mail_deliveries (resend_of) where resend_of is not null;

create table backend.mail_recipients (
    recipient_id uuid        primary key,
    delivery_id  uuid        not null references backend.mail_deliveries (delivery_id),
    address      text        not null check (char_length(address) between 1 and 320 and address !~ '[[:cntrl:]]'),
    kind         text        not null default 'to' check (kind in ('to', 'cc', 'bcc')),
    created_at   timestamptz not null default now()
);

create index mail_recipients_delivery_id_idx on backend.mail_recipients (delivery_id);
create index mail_recipients_address_idx on backend.mail_recipients (lower(address) text_pattern_ops, delivery_id);

create table backend.mail_attempts (
    attempt_id  uuid        primary key,
    delivery_id uuid        not null references backend.mail_deliveries (delivery_id),
    attempt_no  integer     not null check (attempt_no >= 1),
    started_at  timestamptz not null,
    finished_at timestamptz,
    outcome     text        check (outcome in ('sent', 'transient_failure', 'permanent_failure', 'abandoned')),
    smtp_code   smallint    check (smtp_code between 200 and 599),
    error       text        check (char_length(error) <= 4000),
    created_at  timestamptz not null default now(),
    unique (delivery_id, attempt_no)
);

comment on column backend.mail_attempts.outcome is 'abandoned: the worker lost its lease or was shut down before it knew';

create table backend.mail_dead_letters (
    dead_letter_id uuid        primary key,
    delivery_id    uuid        not null unique references backend.mail_deliveries (delivery_id),
    archived_at    timestamptz not null default now(),
    reason         text        not null check (char_length(reason) between 1 and 4000),
    created_at     timestamptz not null default now()
);

create index mail_dead_letters_archived_at_idx on backend.mail_dead_letters (archived_at, dead_letter_id);
