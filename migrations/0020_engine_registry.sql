-- Why: a deployment can hold more than one kind of game. An engine has a name, and versions belong to it: two engines may
-- both have a version 1.0.0. A version says how many players it takes and which options, whether it is taken by default, and
-- whether its image was found. Everything here expands: every column has a default, so that processes of the version before
-- go on working beside it, for as long as `galaxy` is the only engine.

create table backend.engines (
    engine_name text        collate "C" primary key check (engine_name ~ '^[a-z][a-z0-9-]{0,39}$'),
    title       text        not null check (char_length(title) between 1 and 60),
    is_default  boolean     not null default false,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now()
);

comment on table backend.engines is 'Kinds of games. Versions belong to one';
comment on column backend.engines.is_default is 'The engine of games and versions that name none; exactly one has it';

create unique index engines_default_idx on backend.engines (is_default) where is_default;

insert into backend.engines (engine_name, title, is_default) values ('galaxy', 'Galaxy', true);

alter table backend.engine_versions
    add column engine_name        text        collate "C" not null default 'galaxy',
    add column min_players        integer     not null default 1,
    add column max_players        integer     not null default 64,
    add column options_schema     jsonb       check (jsonb_typeof(options_schema) = 'object'),
    add column is_candidate       boolean     not null default false,
    add column check_status       text        not null default 'pending' check (check_status in ('pending', 'ok', 'failed')),
    add column check_requested_at timestamptz not null default now(),
    add column check_leased_until timestamptz,
    add column check_error        text        check (char_length(check_error) between 1 and 1000),
    add column checked_at         timestamptz,
    add check (1 <= min_players and min_players <= max_players and max_players <= 64);

comment on column backend.engine_versions.min_players is 'Players that the engine needs at least';
comment on column backend.engine_versions.options_schema is
    'JSON Schema of the options that a game is given; null: it takes none, and is never sent any';
comment on column backend.engine_versions.is_candidate is 'For those who name it: never taken as the newest by default';
comment on column backend.engine_versions.check_status is 'Whether a runtime manager found the image';
comment on column backend.engine_versions.check_leased_until is 'Until when one runtime manager looks for the image';

-- What an image was when it was first pulled is known of those that ran. Nobody waits for those that were taken back.
update backend.engine_versions set check_status = 'ok', checked_at = updated_at where image_digest is not null;
update backend.engine_versions
set check_status = 'failed', check_error = 'it was not tried: the version was disabled', checked_at = updated_at
where image_digest is null and not enabled;

create index engine_versions_check_idx on backend.engine_versions (check_requested_at) where check_status = 'pending';

alter table backend.games
    add column engine_name text  collate "C" not null default 'galaxy',
    add column options     jsonb not null default '{}' check (jsonb_typeof(options) = 'object');

comment on column backend.games.options is 'As the options_schema of the engine version takes them';

alter table backend.runtime_records
    add column engine_name text  collate "C" not null default 'galaxy',
    add column options     jsonb not null default '{}' check (jsonb_typeof(options) = 'object');

comment on column backend.runtime_records.options is 'What init is given: those of the game when it was started';

-- A version is known by its engine and its number. Nothing names these constraints.
alter table backend.games drop constraint games_target_engine_version_fkey;
alter table backend.runtime_records drop constraint runtime_records_engine_version_fkey;
alter table backend.engine_versions drop constraint engine_versions_pkey;
alter table backend.engine_versions
    add primary key (engine_name, version),
    add foreign key (engine_name) references backend.engines (engine_name);

create index games_engine_idx on backend.games (engine_name, target_engine_version);
create index runtime_records_engine_idx on backend.runtime_records (engine_name, engine_version);
drop index backend.games_target_engine_version_idx;
drop index backend.runtime_records_engine_version_idx;

alter table backend.games
    add constraint games_engine_name_fkey
        foreign key (engine_name) references backend.engines (engine_name) not valid,
    add constraint games_target_engine_version_fkey
        foreign key (engine_name, target_engine_version) references backend.engine_versions (engine_name, version) not valid;
alter table backend.runtime_records
    add constraint runtime_records_engine_version_fkey
        foreign key (engine_name, engine_version) references backend.engine_versions (engine_name, version) not valid;
alter table backend.games validate constraint games_engine_name_fkey;
alter table backend.games validate constraint games_target_engine_version_fkey;
alter table backend.runtime_records validate constraint runtime_records_engine_version_fkey;
