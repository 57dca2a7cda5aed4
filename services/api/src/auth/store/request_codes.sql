-- Admits or throttles a batch of requests for sign-in codes, and writes their challenges.
--
-- $1-$11: a column each of the requests. $12-$14: the rule per source address (bucket, limit, end of a window that begins
-- now); $15-$20: the three rules per e-mail address (limit, and when a window that ends now began); $21: how many times of
-- sending are kept, $22: until when; $23: now. Counters are taken by source address first and then by e-mail address, each
-- in order: so two batches cannot lock each other out.
with asked as (
    select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[],
        $8::timestamptz[], $9::timestamptz[], $10::bytea[], $11::bytea[]) with ordinality
    a (challenge_id, email, domain, typed, code_hash, no_hash, locale, at, expires_at, email_subject,
       address_subject, place)),
blocked as (
    select place from asked a
    where exists (select from backend.blocked_emails b where b.email in (a.email, a.domain))),
free as (
    select * from asked where place not in (select place from blocked)),
by_address as (
    insert into backend.throttle_counters as t (bucket, subject, window_start, hits, expires_at)
    select $12, address_subject, $23, count(*), $14 from free group by address_subject order by address_subject
    on conflict (bucket, subject) do update set
        hits = least(case when t.expires_at <= $23 then 0 else t.hits end, $13) + excluded.hits,
        window_start = case when t.expires_at <= $23 then $23 else t.window_start end,
        expires_at = case when t.expires_at <= $23 then $14 else t.expires_at end
    returning subject, hits),
from_address as (
    select f.*, t.hits, count(*) over (partition by address_subject) as all_of_it,
        row_number() over (partition by address_subject order by place) as nth
    from free f join by_address t on t.subject = f.address_subject),
first_of_email as (
    select distinct on (email_subject) place, email_subject from from_address
    where nth <= all_of_it - greatest(hits - $13, 0)
    order by email_subject, place),
logged as (
    insert into backend.sent_codes as t (subject, sent_at, expires_at)
    select email_subject, array[$23], $22 from first_of_email order by email_subject
    on conflict (subject) do update set sent_at = (excluded.sent_at || t.sent_at)[:$21], expires_at = excluded.expires_at
    where coalesce(t.sent_at[$15] <= $16, true)
        and coalesce(t.sent_at[$17] <= $18, true)
        and coalesce(t.sent_at[$19] <= $20, true)
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
