-- Why: race names belong to players across games; two names that look alike are one name.

create table backend.race_names (
    race_name_id  uuid        primary key,
    name          text        not null check (char_length(name) between 2 and 32),
    canonical     text        collate "C" not null check (char_length(canonical) between 1 and 256),
    status        text        not null check (status in ('registered', 'reservation', 'pending_registration', 'released')),
    owner_user_id uuid        not null references backend.accounts (user_id),
    game_id       uuid        references backend.games (game_id),
    expires_at    timestamptz,
    registered_at timestamptz,
    released_at   timestamptz,
    created_at    timestamptz not null default now(),
    updated_at    timestamptz not null default now(),
    check (status not in ('reservation', 'pending_registration') or game_id is not null),
    check ((status = 'pending_registration') = (expires_at is not null)),
    check (status <> 'registered' or registered_at is not null),
    check ((status = 'released') = (released_at is not null))
);

comment on table backend.race_names is
    'Who holds which name; a released row is history. The holder plays under a registered name without a second row';
comment on column backend.race_names.canonical is 'Confusable skeleton of the folded name without separators';
comment on column backend.race_names.game_id is 'The game the name was reserved or earned in';

-- A name is held once, whatever the tier.
create unique index race_names_held_idx on backend.race_names (canonical)
    where status in ('registered', 'reservation', 'pending_registration');
create index race_names_owner_user_id_idx on backend.race_names (owner_user_id, created_at, race_name_id);
create index race_names_owner_held_idx on backend.race_names (owner_user_id, status) where status <> 'released';
create index race_names_game_id_idx on backend.race_names (game_id) where game_id is not null;
create index race_names_expires_at_idx on backend.race_names (expires_at, race_name_id) where status = 'pending_registration';
