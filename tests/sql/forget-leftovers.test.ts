import assert from 'node:assert/strict'
import { it } from 'node:test'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()

it('messages go after three days and codes a day after their end, so many at a time', async () => {
  await db.rows(`insert into realtime.messages (topic, inserted_at) select 'old', now() - interval '73 hours' from generate_series(1, 3);
    insert into realtime.messages (topic, inserted_at) values ('new', now() - interval '71 hours')`)
  const user = await db.value<string>(`insert into auth.users (email) values ('a@b.example') returning id`)
  await db.rows(
    `insert into auth.one_time_tokens (user_id, token_type, digest, relates_to, expires_at)
     values ($1, 'signup', '', 'x', now() - interval '25 hours'), ($1, 'email', '', 'x', now() - interval '23 hours')`,
    [user],
  )
  const forget = () => db.value<number>('select ticketing.forget_leftovers(2)')
  assert.deepEqual([await forget(), await forget(), await forget()], [3, 1, 0])
  assert.deepEqual(await db.rows('select topic from realtime.messages'), [{ topic: 'new' }])
  assert.deepEqual(await db.rows('select token_type from auth.one_time_tokens'), [{ token_type: 'email' }])
})

it('sessions go a year after they were prolonged, used tokens after thirty days, and nothing else of them', async () => {
  const user = await db.value<string>(`insert into auth.users (email) values ('c@d.example') returning id`)
  const session = (age: string, refreshed: string | null) =>
    db.value<string>(
      `insert into auth.sessions (user_id, method, created_at, refreshed_at)
       values ($1, 'password', now() - $2::interval, now() - $3::interval) returning id`,
      [user, age, refreshed],
    )
  await session('366 days', null)
  await session('800 days', '366 days')
  const fresh = await session('364 days', null)
  const kept = await session('800 days', '364 days')
  await db.rows(
    `insert into auth.refresh_tokens (digest, session_id, revoked_at)
     values ('\\x01', $1, now() - interval '31 days'), ('\\x02', $1, now() - interval '29 days'), ('\\x03', $1, null)`,
    [kept],
  )
  assert.equal(await db.value('select ticketing.forget_leftovers()'), 3)
  const sessions = await db.rows('select id from auth.sessions order by created_at')
  assert.deepEqual(sessions, [{ id: kept }, { id: fresh }])
  const tokens = await db.rows(
    `select encode(digest, 'hex') as digest from auth.refresh_tokens order by digest`,
  )
  assert.deepEqual(tokens, [{ digest: '02' }, { digest: '03' }])
})
