-- Why: operators see from which countries an account is used. Only counts are kept, no addresses.

create table backend.user_country_counters (
    user_id      uuid        not null references backend.accounts (user_id),
    country      text        not null check (country ~ '^[A-Z]{2}$'),
    count        bigint      not null default 0 check (count >= 0),
    last_seen_at timestamptz not null,
    created_at   timestamptz not null default now(),
    primary key (user_id, country)
) with (fillfactor = 70);

comment on table backend.user_country_counters is
    'Raised in batches, at most a second behind; the rows of an account are deleted with it';
