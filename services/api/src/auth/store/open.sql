-- Consumes challenges whose codes were right, opens their sessions and revokes what is beyond a user's limit.
--
-- $1-$4: a column each of the openings, one per account. $5: now. $6: how many sessions stay beside the new one. The
-- caller holds the challenges' and the accounts' rows.
with opening as (
    select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[]) with ordinality
    o (challenge_id, user_id, device_session_id, client_public_key, place)),
consumed as (
    update backend.auth_challenges c set consumed_at = $5
    from opening o
    where c.challenge_id = o.challenge_id and c.consumed_at is null
    returning c.challenge_id),
barring as (
    select s.user_id, max(s.sanction_code) as sanction_code
    from opening o join backend.sanction_active s on s.user_id = o.user_id
    where s.sanction_code in ('login_block', 'permanent_block') and (s.expires_at is null or s.expires_at > $5)
    group by s.user_id),
made as (
    insert into backend.device_sessions (device_session_id, user_id, client_public_key, created_at)
    select o.device_session_id, o.user_id, o.client_public_key, $5
    from opening o join consumed c on c.challenge_id = o.challenge_id
    where o.user_id not in (select user_id from barring)
    returning user_id),
surplus as (
    update backend.device_sessions d set status = 'revoked', revoked_at = $5, revoke_reason = 'replaced'
    from made m cross join lateral (
        select a.device_session_id from backend.device_sessions a
        where a.user_id = m.user_id and a.status = 'active'
        order by a.created_at desc, a.device_session_id desc offset $6) oldest
    where d.device_session_id = oldest.device_session_id
    returning d.device_session_id, d.user_id)
select exists (select from consumed c where c.challenge_id = o.challenge_id) as "consumed!",
       (select b.sanction_code from barring b where b.user_id = o.user_id) as "barring: SanctionCode",
       array(select s.device_session_id from surplus s where s.user_id = o.user_id) as "surplus!"
from opening o order by o.place
