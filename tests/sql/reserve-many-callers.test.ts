import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, describe, it } from 'node:test'
import pg from 'pg'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
import { addTier, openBoxOffice } from '../support/box-office.ts'
import { refusalOf, rowsAs, SERVICE, valueAs } from '../support/callers.ts'
import { testDatabase } from '../support/database.ts'
import { serverUrl } from '../support/server.ts'

interface Answer {
  readonly session_id?: string
  readonly error?: string
}

const db = await testDatabase()
const { eventId } = await openBoxOffice(db)
const tierId = await addTier(db, eventId, { total: 1000 })
const cart = JSON.stringify([{ tier_id: tierId, quantity: 1 }])

/** Roles are the server's, not the database's. */
const suffix = randomUUID().slice(0, 8)
const [AGENT, READER, LOGIN] = [`agent_${suffix}`, `reader_${suffix}`, `login_${suffix}`]
await db.rows(`create role ${AGENT} in role service_role`)
await db.rows(`create role ${READER}`)
await db.rows(`create role ${LOGIN} login noinherit in role anon, service_role`)
after(async () => {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  await client.query(`drop role ${AGENT}, ${READER}, ${LOGIN}`)
  await client.end()
})

/** A request each: of one tier, or of a cart. */
type Asked = readonly [role: string | null, kind?: 'cart']

async function many(asked: readonly Asked[]): Promise<(Answer | null)[]> {
  const rows = await rowsAs<{ answer: Answer | null }>(
    db.client,
    SERVICE,
    'select answer from ticketing.reserve_many($1, $2, $3::jsonb[], p_roles => $4) answer',
    [
      asked.map(([, kind]) => (kind === undefined ? tierId : null)),
      asked.map(() => 1),
      asked.map(([, kind]) => (kind === undefined ? null : cart)),
      asked.map(([role]) => role),
    ],
  )
  return rows.map((it) => it.answer)
}

/** What each got: whose session the hold is in, or 'the door' where it is to be asked. */
const told = (answers: readonly (Answer | null)[]) =>
  answers.map((it) => (it === null ? 'the door' : (it.error ?? it.session_id?.split(':')[0])))
const held = () => db.value<number>('select count(*)::int from ticket_holds')

/** Runs the work while something is otherwise, and puts it back. */
async function meanwhile(change: string, back: string, work: () => Promise<void>): Promise<void> {
  await db.rows(change)
  try {
    await work()
  } finally {
    await db.rows(back)
  }
}

/** Seen to fail: without that condition the answers are others. */
async function withoutIt(
  condition: string,
  ask: () => Promise<(Answer | null)[]>,
  expected: readonly string[],
  login?: string,
): Promise<void> {
  const [it] = await db.rows<{ fn: string; installed: string }>(
    `select f.oid::regproc::text as fn, pg_get_functiondef(f.oid) as installed from pg_proc f
     where f.oid in ('ticketing.may_call'::regproc, 'ticketing.may_ask'::regproc) and strpos(f.prosrc, $1) > 0`,
    [condition],
  )
  const { fn, installed } = it ?? assert.fail(`nothing has ${condition}`)
  const without = [[fn, condition, 'true']] as const
  await takeAway(db.client, { name: condition, role: 'refuses', kind: 'decision', object: '', without })
  if (login !== undefined) await db.rows(`set session authorization ${login}`)
  try {
    assert.notDeepEqual(told(await ask()), expected)
  } finally {
    await db.rows('reset session authorization')
    await db.rows(installed)
  }
}

const BOTH: readonly Asked[] = [['anon'], ['anon', 'cart'], ['service_role'], ['service_role', 'cart']]

describe('reserve_many speaks for a caller only where the caller could speak at the door', () => {
  it('knows who is trusted by the role, as the verbs do: one that may act as the service role is', async () => {
    assert.deepEqual(told(await many([[null], ['anon'], ['authenticated'], ['service_role'], [AGENT]])), [
      'session',
      'session',
      'session',
      'service',
      'service',
    ])
    const { session_id = '' } = await valueAs<Answer>(
      db.client,
      { role: AGENT },
      'select reserve_tickets_atomically($1, 1)',
      [tierId],
    )
    assert.equal(session_id.split(':')[0], 'service')
  })

  it('holds nothing for a role that is none, or may not call the door', async () => {
    const before = await held()
    const strangers = ['nobody', 'none', '', 'Anon', ' anon', 'anon; drop table', `${'x'.repeat(70)}`, READER]
    const asked = strangers.flatMap((role): Asked[] => [[role], [role, 'cart']])
    assert.deepEqual(
      await many(asked),
      asked.map(() => null),
    )
    assert.equal(await held(), before)
    for (const role of ['nobody', READER])
      assert.match(
        (
          await refusalOf(
            valueAs(db.client, { role }, 'select public.reserve_tickets_atomically($1, 1)', [tierId]),
          )
        ).code,
        /^(22023|42501)$/,
      )
  })

  it('answers the others in their places', async () => {
    assert.deepEqual(
      told(await many([['nobody'], ['anon'], [READER, 'cart'], ['service_role'], ['nobody']])),
      ['the door', 'session', 'the door', 'service', 'the door'],
    )
  })

  const rights: readonly [string, string, string, readonly string[], string][] = [
    [
      'EXECUTE of one door',
      'revoke execute on function public.reserve_tickets_atomically from anon',
      'grant execute on function public.reserve_tickets_atomically to anon',
      ['the door', 'session', 'service', 'session'],
      "has_function_privilege(p_role, v_door, 'execute')",
    ],
    [
      'EXECUTE of the other door',
      'revoke execute on function public.reserve_tickets_batch from service_role',
      'grant execute on function public.reserve_tickets_batch to service_role',
      ['session', 'session', 'service', 'the door'],
      "has_function_privilege(p_role, v_door, 'execute')",
    ],
    [
      'EXECUTE of the verb behind a door',
      'revoke execute on function ticketing.reserve_tickets_atomically from anon',
      'grant execute on function ticketing.reserve_tickets_atomically to anon',
      ['the door', 'session', 'service', 'session'],
      "has_function_privilege(p_role, to_regprocedure(p_verb), 'execute')",
    ],
    [
      'USAGE of schema public',
      'revoke usage on schema public from anon, public',
      'grant usage on schema public to anon, public',
      ['the door', 'the door', 'service', 'session'],
      "has_schema_privilege(p_role, 'public', 'usage')",
    ],
    [
      'USAGE of schema ticketing',
      'revoke usage on schema ticketing from anon',
      'grant usage on schema ticketing to anon',
      ['the door', 'the door', 'service', 'session'],
      "has_schema_privilege(p_role, 'ticketing', 'usage')",
    ],
  ]
  for (const [what, change, back, expected, condition] of rights)
    it(`sends to the door who has no ${what}`, () =>
      meanwhile(change, back, async () => {
        const before = await held()
        assert.deepEqual(told(await many(BOTH)), expected)
        assert.equal((await held()) - before, expected.filter((it) => it !== 'the door').length)
        await withoutIt(condition, () => many(BOTH), expected)
      }))

  it('sends to the door who asks in a role that this login may not act as', () =>
    meanwhile(`set session authorization ${LOGIN}`, 'reset session authorization', async () => {
      const ask = () => many([['anon'], ['authenticated'], ['service_role'], [AGENT]])
      const expected = ['session', 'the door', 'service', 'the door']
      assert.deepEqual(told(await ask()), expected)
      await db.rows('reset session authorization')
      await withoutIt('pg_has_role(session_user, p_role, v_right)', ask, expected, LOGIN)
    }))
})

describe("reserve_many leaves to an operator's own door what that door decides", () => {
  const DEFINITION = 'ticketing.function_definition(v_door) = v_installed'
  const BATCH = 'public.reserve_tickets_batch(jsonb, text, uuid, integer)'
  const doors: readonly [string, (installed: string) => string, string, string?][] = [
    [
      'one that checks more',
      (installed) =>
        installed.replace('begin\n', `begin\n  if p_session_id is null then return 'null'; end if;\n`),
      '',
      DEFINITION,
    ],
    [
      'one that runs as its owner',
      () => `alter function ${BATCH} security definer`,
      `alter function ${BATCH} security invoker`,
      DEFINITION,
    ],
    [
      'one with settings',
      () => `alter function ${BATCH} set lock_timeout = '1s'`,
      `alter function ${BATCH} reset lock_timeout`,
      DEFINITION,
    ],
    [
      'another of the same name',
      () =>
        `create function public.reserve_tickets_batch(p_reservations jsonb) returns jsonb language sql as $$ select null::jsonb $$`,
      'drop function public.reserve_tickets_batch(jsonb)',
      'v_doors = 1',
    ],
    [
      'none',
      () => `alter function ${BATCH} rename to away`,
      'alter function public.away rename to reserve_tickets_batch',
    ],
  ]
  for (const [what, change, back, condition] of doors)
    it(what, async () => {
      const installed = await db.value<string>('select pg_get_functiondef($1::regprocedure)', [BATCH])
      await meanwhile(change(installed), back === '' ? installed : back, async () => {
        const before = await held()
        const expected = ['session', 'the door', 'service', 'the door']
        assert.deepEqual(told(await many(BOTH)), expected)
        assert.equal((await held()) - before, 2)
        if (condition !== undefined) await withoutIt(condition, () => many(BOTH), expected)
      })
      assert.deepEqual(told(await many(BOTH)), ['session', 'session', 'service', 'session'])
    })
})
