import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'
import { laneOf, VERBS } from '../../src/desk/verbs.ts'
import { testDatabase } from '../support/database.ts'

const db = await testDatabase()

/** What grants.sql lets callers call: those above the remark that what follows is for policies and defaults. */
function grantedVerbs(): string[] {
  const [, list = ''] =
    /\(values\n([\s\S]*?)-- What policies and column defaults call/.exec(
      readFileSync('sql/grants.sql', 'utf8'),
    ) ?? []
  return [...list.matchAll(/\('(\w+)',/g)].map(([, name = '']) => name)
}

interface Installed {
  readonly name: string
  readonly type: string
  readonly optional: boolean
}

suite('the registry of verbs', () => {
  test('names every verb that callers may call, and no other', () => {
    const granted = grantedVerbs()
    assert.ok(granted.length > 30)
    assert.deepEqual([...VERBS.keys()].toSorted(), granted.toSorted())
  })

  for (const definition of VERBS.values()) {
    test(`knows the parameters of ${definition.name} as they are installed`, async () => {
      const installed = await db.rows<Installed>(PARAMETERS, [definition.name])
      const known = Object.entries(definition.parameters).map(([name, { type, isOptional }]) => ({
        name: `p_${name}`,
        type,
        optional: isOptional,
      }))
      assert.deepEqual(known, installed)
    })

    test(`knows what ${definition.name} returns`, async () => {
      const [{ type, set } = { type: '', set: false }, ...others] = await db.rows<{
        type: string
        set: boolean
      }>(
        `select format_type(prorettype, null) as type, proretset as set from pg_proc
         where pronamespace = 'ticketing'::regnamespace and proname = $1`,
        [definition.name],
      )
      assert.equal(others.length, 0)
      const returns = set ? 'rows' : type === 'void' ? 'nothing' : type === 'jsonb' ? 'answer' : 'value'
      // A list is one value in JSON.
      const known = definition.returns === 'value' && type === 'jsonb' ? 'answer' : definition.returns
      assert.equal(known === 'texts' ? 'rows' : known, returns)
    })
  }
})

test('gates have a lane of their own, and what is unknown works among the buyers', () => {
  assert.equal(laneOf('scan_ticket_atomic'), 'gates')
  assert.equal(laneOf('reserve_tickets_atomically'), 'buyers')
  assert.equal(laneOf('of_a_stranger'), 'buyers')
  assert.equal(laneOf('constructor'), 'buyers')
})

const PARAMETERS = `
  select p.proargnames[i.n] as name, format_type(p.proargtypes[i.n - 1], null) as type, i.n > p.pronargs - p.pronargdefaults as optional
  from pg_proc p cross join lateral generate_series(1, p.pronargs) as i(n)
  where p.pronamespace = 'ticketing'::regnamespace and p.proname = $1 order by i.n`
