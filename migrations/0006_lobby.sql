-- Why: games from draft to finish, and who may take part in them. The runtime's own tables follow in
-- a later file; the lobby keeps a copy of what it shows of them.

-- Present before the games that name a version; the runtime crate owns it.
create table backend.engine_versions (
    version      text        collate "C" primary key
                             check (version ~ '^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$'
                                    and char_length(version) <= 100),
    image_ref    text        not null check (char_length(image_ref) between 1 and 500),
    image_digest text        check (char_length(image_digest) between 1 and 200),
    enabled      boolean     not null default true,
    resources    jsonb       not null default '{}' check (jsonb_typeof(resources) = 'object'),
    created_at   timestamptz not null default now(),
    updated_at   timestamptz not null default now()
);

comment on column backend.engine_versions.image_digest is 'What image_ref meant when it was first pulled';
comment on column backend.engine_versions.enabled is 'False hides the version from new games; running ones keep it';

create table backend.games (
    game_id               uuid        primary key,
    owner_user_id         uuid        not null references backend.accounts (user_id),
    game_name             text        not null check (char_length(game_name) between 3 and 60),
    game_name_key         text        collate "C" not null generated always as (lower(game_name)) stored,
    description           text        not null default '' check (char_length(description) <= 2000),
    visibility            text        not null check (visibility in ('public', 'private')),
    status                text        not null default 'draft'
                                      check (status in ('draft', 'enrollment_open', 'ready_to_start', 'starting', 'start_failed',
                                                        'running', 'paused', 'finished', 'cancelled')),
    min_players           integer     not null check (min_players >= 2),
    max_players           integer     not null check (max_players <= 64),
    approved_count        integer     not null default 0 check (approved_count >= 0),
    enrollment_ends_at    timestamptz not null,
    turn_schedule         text        not null check (char_length(turn_schedule) between 1 and 200),
    time_zone             text        not null default 'UTC' check (char_length(time_zone) between 1 and 64),
    target_engine_version text        collate "C" references backend.engine_versions (version),
    version               bigint      not null default 1 check (version >= 1),
    start_failure         text        check (char_length(start_failure) between 1 and 200),
    pause_reason          text        check (char_length(pause_reason) between 1 and 200),
    -- the runtime view: a copy, applied only when newer than runtime_version
    current_turn          integer     check (current_turn >= 0),
    runtime_status        text        check (runtime_status in ('starting', 'running', 'generation_in_progress', 'generation_failed',
                                                                'engine_unreachable', 'paused', 'stopped', 'removed', 'finished',
                                                                'start_failed')),
    next_turn_at          timestamptz,
    engine_health         text        check (engine_health in ('unknown', 'healthy', 'unreachable')),
    runtime_version       bigint      not null default 0 check (runtime_version >= 0),
    runtime_snapshot      jsonb       check (jsonb_typeof(runtime_snapshot) = 'object'),
    created_at            timestamptz not null default now(),
    updated_at            timestamptz not null default now(),
    started_at            timestamptz,
    finished_at           timestamptz,
    handed_over_at        timestamptz,
    check (max_players >= min_players),
    check (approved_count <= max_players)
) with (fillfactor = 80);

comment on column backend.games.version is
    'Grows with every change; transitions compare and set it, and events carry it, so that older ones are ignored';
comment on column backend.games.approved_count is
    'Active memberships, changed in the transaction that changes them; the check keeps racing approvals within max_players';
comment on column backend.games.runtime_snapshot is
    'The players of the last snapshot with planets, population and their maxima: decides who is capable at the finish';
comment on column backend.games.handed_over_at is 'The owner deleted the account while the game ran: operators manage it';

-- Lists page by (created_at, game_id); a search by name pages by (game_name_key, game_id). Every
-- public list says visibility = 'public', the one without a status filter also status <> 'draft'.
create index games_created_at_idx on backend.games (created_at, game_id);
create index games_status_idx on backend.games (status, created_at, game_id);
create index games_public_created_at_idx on backend.games (created_at, game_id)
    where visibility = 'public' and status <> 'draft';
create index games_public_status_idx on backend.games (status, created_at, game_id) where visibility = 'public';
create index games_public_name_idx on backend.games (game_name_key, game_id)
    where visibility = 'public' and status <> 'draft';
create index games_public_status_name_idx on backend.games (status, game_name_key, game_id) where visibility = 'public';
create index games_owner_user_id_idx on backend.games (owner_user_id, created_at, game_id);
create index games_owner_open_idx on backend.games (owner_user_id) where status not in ('finished', 'cancelled');
create index games_target_engine_version_idx on backend.games (target_engine_version);
create index games_enrollment_ends_at_idx on backend.games (enrollment_ends_at, game_id) where status = 'enrollment_open';

create table backend.applications (
    application_id    uuid        primary key,
    game_id           uuid        not null references backend.games (game_id),
    applicant_user_id uuid        not null references backend.accounts (user_id),
    race_name         text        not null check (char_length(race_name) between 2 and 32),
    race_canonical    text        collate "C" not null check (char_length(race_canonical) between 1 and 256),
    message           text        check (char_length(message) <= 2000),
    status            text        not null default 'submitted'
                                  check (status in ('submitted', 'approved', 'rejected', 'withdrawn')),
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    decided_at        timestamptz,
    check ((status = 'submitted') = (decided_at is null))
);

comment on column backend.applications.decided_at is 'When it left `submitted`, by whatever way';

-- One open application per player and game.
create unique index applications_open_idx on backend.applications (game_id, applicant_user_id) where status = 'submitted';
create index applications_game_id_idx on backend.applications (game_id, created_at, application_id);
create index applications_applicant_user_id_idx on backend.applications (applicant_user_id, created_at, application_id);
create index applications_applicant_open_idx on backend.applications (applicant_user_id) where status = 'submitted';

create table backend.invites (
    invite_id           uuid        primary key,
    game_id             uuid        not null references backend.games (game_id),
    invited_user_id     uuid        references backend.accounts (user_id),
    code                bytea       unique check (octet_length(code) = 32),
    status              text        not null default 'created'
                                    check (status in ('created', 'redeemed', 'declined', 'revoked', 'expired')),
    redeemed_by_user_id uuid        references backend.accounts (user_id),
    expires_at          timestamptz not null,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    decided_at          timestamptz,
    check ((invited_user_id is null) <> (code is null)),
    check ((status = 'redeemed') = (redeemed_by_user_id is not null)),
    check ((status = 'created') = (decided_at is null))
);

comment on table backend.invites is 'Either names a player or carries a code, never both; works once';
comment on column backend.invites.code is 'Keyed hash of the code; the code itself is shown once and not kept';
comment on column backend.invites.decided_at is 'When it left `created`, by whatever way';

create unique index invites_open_idx on backend.invites (game_id, invited_user_id)
    where status = 'created' and invited_user_id is not null;
create index invites_game_id_idx on backend.invites (game_id, created_at, invite_id);
create index invites_invited_user_id_idx on backend.invites (invited_user_id, created_at, invite_id)
    where invited_user_id is not null;
create index invites_redeemed_by_user_id_idx on backend.invites (redeemed_by_user_id) where redeemed_by_user_id is not null;
create index invites_expires_at_idx on backend.invites (expires_at, invite_id) where status = 'created';

create table backend.memberships (
    membership_id  uuid        primary key,
    game_id        uuid        not null references backend.games (game_id),
    user_id        uuid        not null references backend.accounts (user_id),
    race_name      text        not null check (char_length(race_name) between 2 and 32),
    race_canonical text        collate "C" not null check (char_length(race_canonical) between 1 and 256),
    status         text        not null default 'active' check (status in ('active', 'removed', 'blocked')),
    reason         text        check (char_length(reason) <= 1000),
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now(),
    ended_at       timestamptz,
    unique (game_id, user_id),
    check ((status = 'active') = (ended_at is null))
);

comment on table backend.memberships is
    'One row per player and game for good: who was removed and comes back is active again in it; who is blocked never';

create unique index memberships_race_idx on backend.memberships (game_id, race_canonical) where status = 'active';
create index memberships_game_id_idx on backend.memberships (game_id, created_at, membership_id);
create index memberships_user_id_idx on backend.memberships (user_id, created_at, membership_id);
create index memberships_user_active_idx on backend.memberships (user_id, game_id) where status = 'active';
