-- Why: accounts are looked for by a country, never by its absence; without those whose country is not known a sign-in from
-- nowhere writes one index entry less.
drop index backend.accounts_declared_country_idx;
create index accounts_declared_country_idx on backend.accounts (declared_country, created_at, user_id)
    where declared_country is not null;
