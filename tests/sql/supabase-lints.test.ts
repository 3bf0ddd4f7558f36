import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { supabaseSql } from '../../src/db/migrate.ts'
import { LINTS } from '../support/lints.ts'
import { type Project, type Regime, supabaseProject } from '../support/supabase.ts'

/** What a lint objects to and stays, with the reason. */
const ALLOWED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '0001 unindexed_foreign_keys': {
    'ticket_holds.ticket_holds_event_id_tier_id_fkey':
      'a tier with holds is closed, not deleted, and the index costs a tenth of the speed of a hot sale',
  },
  '0011 function_search_path_mutable': {
    'ticketing.uuid_v7()':
      'inlined into column defaults, which a function with a setting is not; every name in it is qualified',
    'ticketing.session_id(text,uuid)': 'inlined too: it calls nothing but what pg_catalog has',
  },
}

const objectsOf = async ({ db }: Project, sql: string) =>
  (await db.rows<{ object: string }>(sql)).map(({ object }) => object).sort()

for (const regime of ['older', 'newer'] satisfies Regime[]) {
  describe(`Supabase's lints, with the ${regime} default privileges`, async () => {
    const project = await supabaseProject(regime)
    await project.client.query(supabaseSql())
    for (const [name, { sql, spoil, finds }] of Object.entries(LINTS)) {
      it(name, async () => {
        const allowed = ALLOWED[name] ?? {}
        assert.deepEqual(await objectsOf(project, sql), Object.keys(allowed).sort())
        await project.db.rows('begin')
        await project.db.client.query(spoil)
        assert.ok((await objectsOf(project, sql)).includes(finds), `it does not see ${finds}`)
        await project.db.rows('rollback')
      })
    }
  })
}
