-- Why: sign-in by e-mail code and the sessions it creates. Codes are never stored, only their keyed
-- hash; guesses are counted where every replica sees them.

create table backend.device_sessions (
    device_session_id uuid        primary key,
    user_id           uuid        not null references backend.accounts (user_id),
    client_public_key bytea       not null check (octet_length(client_public_key) = 32),
    status            text        not null default 'active' check (status in ('active', 'revoked')),
    revoke_reason     text        check (char_length(revoke_reason) between 1 and 200),
    created_at        timestamptz not null default now(),
    revoked_at        timestamptz,
    last_seen_at      timestamptz,
    check ((status = 'revoked') = (revoked_at is not null))
) with (fillfactor = 80);

comment on table backend.device_sessions is 'A device that signed in; once revoked it never becomes active again';
comment on column backend.device_sessions.last_seen_at is
    'Written behind, in batches; not indexed, so that the write stays on the row''s own page';

create index device_sessions_user_id_idx on backend.device_sessions (user_id, created_at);
create index device_sessions_status_idx on backend.device_sessions (status, revoked_at);
create index device_sessions_active_idx on backend.device_sessions (user_id, created_at, device_session_id)
    where status = 'active';

create table backend.auth_challenges (
    challenge_id   uuid        primary key,
    email          text        collate "C" not null check (char_length(email) between 1 and 320),
    delivery_email text        not null check (char_length(delivery_email) between 1 and 320
                                               and delivery_email !~ '[[:cntrl:]]'),
    code_hash      bytea       not null check (octet_length(code_hash) = 32),
    attempts       integer     not null default 0 check (attempts between 0 and 5),
    locale         text        check (char_length(locale) between 2 and 35),
    created_at     timestamptz not null default now(),
    expires_at     timestamptz not null,
    consumed_at    timestamptz,
    check (expires_at > created_at)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);

comment on table backend.auth_challenges is
    'A code that was asked for. A throttled request may leave a row whose code_hash is random: no code matches it';
comment on column backend.auth_challenges.attempts is
    'Raised before the comparison, in one statement: parallel guesses get no extra tries';

create index auth_challenges_expires_at_idx on backend.auth_challenges (expires_at);
create index auth_challenges_email_idx on backend.auth_challenges (email, created_at);

create table backend.blocked_emails (
    email      text        collate "C" primary key check (char_length(email) between 2 and 320 and email = lower(email)),
    blocked_at timestamptz not null default now(),
    reason     text        not null check (char_length(reason) between 1 and 1000),
    created_at timestamptz not null default now()
);

comment on column backend.blocked_emails.email is 'A normalised address, or a whole domain with a leading @';

-- One row per rule and subject, raised by one atomic statement, so that all replicas count together. A
-- window begins with its first hit: two hits around a full minute are not let through together.
create table backend.throttle_counters (
    bucket       text        collate "C" not null check (char_length(bucket) between 1 and 64),
    subject      bytea       not null check (octet_length(subject) between 1 and 64),
    window_start timestamptz not null,
    hits         integer     not null default 0 check (hits >= 0),
    expires_at   timestamptz not null,
    created_at   timestamptz not null default now(),
    primary key (bucket, subject)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

comment on table backend.throttle_counters is 'Hits per rule (bucket) and subject in the window that now runs';
comment on column backend.throttle_counters.subject is
    'Keyed hash of an e-mail, an address or a name: the table itself names nobody';

create index throttle_counters_expires_at_idx on backend.throttle_counters (expires_at);
