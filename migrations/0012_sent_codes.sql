-- Why: an e-mail address gets so many codes in each of several windows. One row with the last times says that for all
-- windows at once; before, three counters were raised for every code.

create table backend.sent_codes (
    subject    bytea         primary key check (octet_length(subject) = 32),
    sent_at    timestamptz[] not null check (cardinality(sent_at) >= 1),
    expires_at timestamptz   not null,
    created_at timestamptz   not null default now()
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);

comment on table backend.sent_codes is 'When sign-in codes were last sent to an e-mail address';
comment on column backend.sent_codes.subject is 'Keyed hash of the address: the table itself names nobody';
comment on column backend.sent_codes.sent_at is
    'Newest first, as many as the largest limit: `limit` codes in a window are too many if the one at that place is in it';

create index sent_codes_expires_at_idx on backend.sent_codes (expires_at);

delete from backend.throttle_counters where bucket like 'auth.code.email.%';
