-- Why: players' accounts and what operators grant or take from them. Entitlements, sanctions and
-- limits each keep a history (records, never changed) and a roll-up that requests read.

-- Rows stay after a soft delete, with the personal fields replaced, so references to them hold.
create table backend.accounts (
    user_id            uuid        primary key,
    email              text        collate "C" not null unique
                                   check (char_length(email) between 1 and 320 and email !~ '[[:cntrl:][:space:]]'),
    delivery_email     text        not null
                                   check (char_length(delivery_email) between 1 and 320 and delivery_email !~ '[[:cntrl:]]'),
    user_name          text        collate "C" not null unique check (char_length(user_name) between 1 and 64),
    -- a display name has at most 30 characters; the replacement after deletion is longer
    display_name       text        not null check (char_length(display_name) between 1 and 64),
    display_name_key   text        collate "C" not null generated always as (lower(display_name)) stored,
    preferred_language text        not null default 'en' check (char_length(preferred_language) between 2 and 35),
    time_zone          text        not null default 'UTC' check (char_length(time_zone) between 1 and 64),
    declared_country   text        check (declared_country ~ '^[A-Z]{2}$'),
    notifications      jsonb       not null default '{}' check (jsonb_typeof(notifications) = 'object'),
    permanent_block    boolean     not null default false,
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now(),
    deleted_at         timestamptz
) with (fillfactor = 90);

comment on column backend.accounts.email is
    'Normalised address, the identity; `deleted-<user_id>` after deletion, which frees the address';
comment on column backend.accounts.delivery_email is 'The address as it was typed, for sending';
comment on column backend.accounts.notifications is 'Notification preferences; absent members have their defaults';
comment on column backend.accounts.display_name_key is 'For search by prefix without regard to case';

-- The unique indexes on email and user_name are in C order, so they serve prefix searches too.
create index accounts_created_at_idx on backend.accounts (created_at, user_id);
create index accounts_display_name_key_idx on backend.accounts (display_name_key, user_id);
create index accounts_declared_country_idx on backend.accounts (declared_country, created_at, user_id);

-- What the crates that write to players may know of an account: the accounts domain's published read
-- interface, so that nobody else reads its table.
create view backend.account_contacts as
    select user_id, delivery_email, display_name, preferred_language, time_zone, notifications,
        deleted_at is not null as is_deleted
    from backend.accounts;

create table backend.entitlement_records (
    record_id  uuid        primary key,
    user_id    uuid        not null references backend.accounts (user_id),
    tier       text        not null check (tier in ('free', 'monthly', 'yearly', 'permanent')),
    source     text        not null check (char_length(source) between 1 and 64),
    reason     text        check (char_length(reason) <= 1000),
    actor      text        check (char_length(actor) between 1 and 200),
    ends_at    timestamptz,
    created_at timestamptz not null default now(),
    check (tier not in ('monthly', 'yearly') or ends_at is not null),
    check (tier <> 'free' or ends_at is null)
);

comment on table backend.entitlement_records is 'Every change of a tier, never changed afterwards';
comment on column backend.entitlement_records.source is 'Where the change came from: registration, admin, purchase, expiry';

create index entitlement_records_user_id_idx on backend.entitlement_records (user_id, created_at, record_id);

create table backend.entitlement_snapshots (
    user_id                   uuid        primary key references backend.accounts (user_id),
    tier                      text        not null check (tier in ('free', 'monthly', 'yearly', 'permanent')),
    max_registered_race_names integer     not null check (max_registered_race_names >= 0),
    ends_at                   timestamptz,
    taken_at                  timestamptz not null default now(),
    created_at                timestamptz not null default now(),
    check (tier not in ('monthly', 'yearly') or ends_at is not null),
    check (tier <> 'free' or ends_at is null)
);

comment on table backend.entitlement_snapshots is 'The tier that holds now, one row per account';

create index entitlement_snapshots_ends_at_idx on backend.entitlement_snapshots (ends_at, user_id) where ends_at is not null;

create table backend.sanction_records (
    record_id     uuid        primary key,
    user_id       uuid        not null references backend.accounts (user_id),
    sanction_code text        not null check (sanction_code in ('login_block', 'game_create_block', 'game_manage_block',
                                                               'game_join_block', 'profile_update_block', 'permanent_block')),
    action        text        not null check (action in ('apply', 'remove')),
    reason        text        not null check (char_length(reason) between 1 and 1000),
    actor         text        not null check (char_length(actor) between 1 and 200),
    expires_at    timestamptz,
    created_at    timestamptz not null default now(),
    check (action = 'apply' or expires_at is null)
);

comment on table backend.sanction_records is 'Every sanction applied or removed, never changed afterwards';

create index sanction_records_user_id_idx on backend.sanction_records (user_id, created_at, record_id);

-- A row whose expires_at has passed no longer holds, whether the sweep has removed it yet or not.
create table backend.sanction_active (
    user_id       uuid        not null references backend.accounts (user_id),
    sanction_code text        not null check (sanction_code in ('login_block', 'game_create_block', 'game_manage_block',
                                                               'game_join_block', 'profile_update_block', 'permanent_block')),
    record_id     uuid        not null references backend.sanction_records (record_id),
    expires_at    timestamptz,
    created_at    timestamptz not null default now(),
    primary key (user_id, sanction_code)
);

create index sanction_active_sanction_code_idx on backend.sanction_active (sanction_code, user_id);
create index sanction_active_record_id_idx on backend.sanction_active (record_id);
create index sanction_active_expires_at_idx on backend.sanction_active (expires_at) where expires_at is not null;

create table backend.limit_records (
    record_id  uuid        primary key,
    user_id    uuid        not null references backend.accounts (user_id),
    limit_code text        not null check (limit_code in ('max_owned_games', 'max_active_memberships',
                                                          'max_pending_applications', 'max_registered_race_names')),
    action     text        not null check (action in ('set', 'remove')),
    value      integer     check (value >= 0),
    reason     text        not null check (char_length(reason) between 1 and 1000),
    actor      text        not null check (char_length(actor) between 1 and 200),
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    check ((action = 'set') = (value is not null)),
    check (action = 'set' or expires_at is null)
);

comment on table backend.limit_records is 'Every limit set or removed, never changed afterwards';

create index limit_records_user_id_idx on backend.limit_records (user_id, created_at, record_id);

-- Overrides the default of the tier; a row whose expires_at has passed no longer holds.
create table backend.limit_active (
    user_id    uuid        not null references backend.accounts (user_id),
    limit_code text        not null check (limit_code in ('max_owned_games', 'max_active_memberships',
                                                          'max_pending_applications', 'max_registered_race_names')),
    value      integer     not null check (value >= 0),
    record_id  uuid        not null references backend.limit_records (record_id),
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (user_id, limit_code)
);

create index limit_active_record_id_idx on backend.limit_active (record_id);
create index limit_active_expires_at_idx on backend.limit_active (expires_at) where expires_at is not null;
