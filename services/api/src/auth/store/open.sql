-- Consumes challenges whose codes were right, makes the accounts of those who are new, opens the sessions, writes the events
-- that tell of them and revokes what is beyond a user's limit.
--
-- $1-$11: a column each of the openings, one per account; $5-$11 are null for an account that is known. $12: now. $13: how
-- many sessions stay beside the new one. $14: race names of a free account. $15-$21: a column each of the events, which are
-- written if their session, in $21, is made. The caller holds the challenges' rows and those of the known accounts. The
-- statement fails if somebody else took the address or the name of a new account since.
with opening as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[],
        $9::text[], $10::text[], $11::uuid[]) with ordinality
    o (challenge_id, user_id, device_session_id, client_public_key, email, typed, name, language, zone, country, record_id,
       place)),
new as (
    select * from opening where email is not null),
registered as (
    insert into backend.accounts (user_id, email, delivery_email, user_name, display_name, preferred_language, time_zone,
        declared_country, created_at, updated_at)
    select user_id, email, typed, name, name, language, zone, country, $12, $12 from new order by email),
noted as (
    insert into backend.entitlement_records (record_id, user_id, tier, source, created_at)
    select record_id, user_id, 'free', 'registration', $12 from new),
entitled as (
    insert into backend.entitlement_snapshots (user_id, tier, max_registered_race_names, taken_at)
    select user_id, 'free', $14, $12 from new),
consumed as (
    update backend.auth_challenges c set consumed_at = $12
    from opening o
    where c.challenge_id = o.challenge_id and c.consumed_at is null
    returning c.challenge_id),
barring as (
    select s.user_id, max(s.sanction_code) as sanction_code
    from opening o join backend.sanction_active s on s.user_id = o.user_id
    where s.sanction_code in ('login_block', 'permanent_block') and (s.expires_at is null or s.expires_at > $12)
    group by s.user_id),
made as (
    insert into backend.device_sessions (device_session_id, user_id, client_public_key, created_at)
    select o.device_session_id, o.user_id, o.client_public_key, $12
    from opening o join consumed c on c.challenge_id = o.challenge_id
    where o.user_id not in (select user_id from barring)
    returning user_id, device_session_id),
told as (
    insert into backend.event_outbox
        (event_id, subject, event_type, ce_subject, content_type, payload, traceparent, created_at)
    select e.id, e.subject, e.type, e.about, 'application/json', e.payload, e.trace, clock_timestamp()
    from unnest($15::uuid[], $16::text[], $17::text[], $18::text[], $19::bytea[], $20::text[], $21::uuid[])
        with ordinality e (id, subject, type, about, payload, trace, device_session_id, place)
        join made m on m.device_session_id = e.device_session_id
    order by e.place),
surplus as (
    update backend.device_sessions d set status = 'revoked', revoked_at = $12, revoke_reason = 'replaced'
    from made m cross join lateral (
        select a.device_session_id from backend.device_sessions a
        where a.user_id = m.user_id and a.status = 'active'
        order by a.created_at desc, a.device_session_id desc offset $13) oldest
    where d.device_session_id = oldest.device_session_id
    returning d.device_session_id, d.user_id)
select exists (select from consumed c where c.challenge_id = o.challenge_id) as "consumed!",
       (select b.sanction_code from barring b where b.user_id = o.user_id) as "barring: SanctionCode",
       array(select s.device_session_id from surplus s where s.user_id = o.user_id) as "surplus!"
from opening o order by o.place
