-- Admits or throttles a batch of requests for sign-in codes, and writes their challenges.
--
-- $1, $4, $5: the rule per source address (bucket, end of a window that begins now, limit); $2: the subjects of the source
-- addresses; $3: now; $6-$15: the other columns of the requests; $16-$21: the three rules per e-mail address (limit, and
-- when a window that ends now began); $22: how many times of sending are kept, $23: until when. Counters are taken by source
-- address first and then by e-mail address, each in order: so two batches cannot lock each other out. An address without
-- hits left is not counted, and its requests are not admitted.
with asked as (
    select * from unnest($6::uuid[], $7::text[], $8::text[], $9::text[], $10::bytea[], $11::bytea[], $12::text[],
        $13::timestamptz[], $14::timestamptz[], $15::bytea[], $2::bytea[]) with ordinality
    a (challenge_id, email, domain, typed, code_hash, no_hash, locale, at, expires_at, email_subject,
       address_subject, place)),
blocked as (
    select place from asked a
    where exists (select from backend.blocked_emails b where b.email in (a.email, a.domain))),
free as (
    select * from asked where place not in (select place from blocked)),
by_address as (
    insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
    select $1, address_subject, $3, count(*), $4 from free group by address_subject order by address_subject
    on conflict (bucket, subject) do update set
        hits = case when t.expires_at <= $3 then 0 else t.hits end + excluded.hits,
        window_start = case when t.expires_at <= $3 then $3 else t.window_start end,
        expires_at = case when t.expires_at <= $3 then $4 else t.expires_at end
    where t.expires_at <= $3 or t.hits < $5
    returning subject, hits),
from_address as (
    select f.*, t.hits, count(*) over (partition by address_subject) as all_of_it,
        row_number() over (partition by address_subject order by place) as nth
    from free f join by_address t on t.subject = f.address_subject),
first_of_email as (
    select distinct on (email_subject) place, email_subject from from_address
    where nth <= all_of_it - greatest(hits - $5, 0)
    order by email_subject, place),
logged as (
    insert into backend.sent_codes as t (subject, sent_at, expires_at)
    select email_subject, array[$3], $23 from first_of_email order by email_subject
    on conflict (subject) do update set sent_at = (excluded.sent_at || t.sent_at)[:$22], expires_at = excluded.expires_at
    where coalesce(t.sent_at[$16] <= $17, true)
        and coalesce(t.sent_at[$18] <= $19, true)
        and coalesce(t.sent_at[$20] <= $21, true)
    returning subject),
admitted as (
    select f.place from first_of_email f join logged l on l.subject = f.email_subject),
written as (
    insert into backend.auth_challenges
        (challenge_id, email, delivery_email, email_subject, code_hash, locale, created_at, expires_at)
    select challenge_id, email, typed, email_subject,
        case when place in (select place from admitted) then code_hash else no_hash end,
        locale, at, expires_at
    from free)
select place in (select place from blocked) as "blocked!", place in (select place from admitted) as "admitted!"
from asked order by place
