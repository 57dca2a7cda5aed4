-- Why: whether too many wrong codes were tried for an address is asked together with taking a try, before an account is
-- made. Challenges from before have none and are not held up by it.
alter table backend.auth_challenges
    add column email_subject bytea check (octet_length(email_subject) = 32);

comment on column backend.auth_challenges.email_subject is
    'What stands for the address in the counter of its wrong codes: a keyed hash';
