import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { type Caller, call, literal } from '../../src/db/call.ts'
import { sqlErrorOf } from '../../src/db/failures.ts'
import { openPool, type Row, type Runner } from '../../src/db/pool.ts'
import { testDatabase } from '../support/database.ts'
import { codeOf, type Source, sourcesOf } from '../support/source.ts'

/**
 * Confused deputy: PostgreSQL checks the right to execute a function where a statement is planned or a node of it begins, as who the
 * session is then. A statement that sets the role and calls a verb calls it as the login.
 */
const db = await testDatabase()
const database = await openPool(db.url, { max: 1, name: 'role-and-verb' })
after(() => database.close())

type Ask = (caller: Caller, sql: string) => Promise<unknown>

const ours: Ask = (caller, sql) => call(database, { caller, sql })
const role = ({ role: name }: Caller) => `set_config('role', ${literal(name)}, true)`
const TWINS: Readonly<Record<string, Ask>> = {
  'a common table expression': (caller, sql) =>
    database.run(`with s as materialized (select ${role(caller)}) ${sql} from s`),
  'the same list': (caller, sql) => database.run(sql.replace('select ', `select ${role(caller)}, `)),
  'a subquery in FROM': (caller, sql) => database.run(`${sql} from (select ${role(caller)} offset 0) s`),
}

/** Functions of the vault that a role may not execute, each as a call that says nothing. */
const forbidden = (name: string) =>
  db.rows<{ name: string; sql: string }>(
    `select p.proname::text as name, format('select ticketing.%I(%s)', p.proname,
       (select string_agg('null::' || t::regtype, ', ' order by n) from unnest(p.proargtypes) with ordinality a(t, n))) as sql
     from pg_proc p where p.pronamespace = 'ticketing'::regnamespace and p.prosecdef and p.prorettype <> 'trigger'::regtype
       and not has_function_privilege($1, p.oid, 'execute') order by 1`,
    [name],
  )

/** Those that were run all the same. */
async function executed(ask: Ask, caller: Caller): Promise<string[]> {
  const ran: string[] = []
  for (const { name, sql } of await forbidden(caller.role)) {
    const error = await ask(caller, sql).then(
      () => undefined,
      (thrown: unknown) => sqlErrorOf(thrown) ?? assert.fail(String(thrown)),
    )
    if (error?.code !== '42501') ran.push(name)
  }
  return ran
}

describe('a caller runs no function that its role may not', () => {
  const callers: readonly Caller[] = ['anon', 'authenticated', 'service_role'].map((name) => ({
    role: name,
    claims: JSON.stringify({ role: name }),
  }))
  for (const caller of callers)
    it(caller.role, async () => {
      const verbs = await forbidden(caller.role)
      assert.ok(caller.role === 'service_role' || verbs.length > 10, String(verbs.length))
      assert.deepEqual(await executed(ours, caller), [])
    })

  for (const [what, twin] of Object.entries(TWINS))
    it(`the naive twin, which sets the role in ${what} of the statement that calls, runs them`, async () => {
      const [anon] = callers
      const ran = await executed(twin, anon ?? assert.fail())
      assert.ok(ran.includes('receive_webhook'), ran.join(' '))
    })
})

describe('role and verb are two statements', () => {
  it('in what a call sends', async () => {
    const sent: string[] = []
    const recorder: Runner = {
      run: async (text) => {
        sent.push(text)
        return [] as readonly Row[]
      },
      roleSettings: () => [['statement_timeout', '3s']],
    }
    await call(recorder, { caller: { role: 'anon', claims: '{}' }, sql: 'select ticketing.verb()' })
    const [text = ''] = sent
    assert.equal(text.split(';').at(-1), 'select ticketing.verb()')
    assert.match(text.split(';').at(-2) ?? '', /set_config\('role','anon',true\)/)
    assert.equal(sent.length, 1)
  })

  it('and nothing else of the server sets a role', () => {
    const setting = /set_config\(\s*'role'|config\('role'|(?<!to )\bset (local |session )?role\b/
    const files = (sources: readonly Source[]) =>
      sources.filter((source) => setting.test(codeOf(source))).map(({ file }) => file)
    const strangers = sourcesOf('src/**/*.ts').filter(({ file }) => !file.startsWith('src/proof/'))
    assert.deepEqual(files(strangers), ['src/db/call.ts'])
    for (const text of ["set_config( 'role', $1", 'set local role anon', "config('role', role)"])
      assert.equal(files([{ file: 'src/api/a.ts', text: `run(\`${text}\`)` }]).length, 1, text)
  })

  it('nor does any string of the repository set one and call', () => {
    const both = (sources: readonly Source[]) =>
      sources
        .filter((source) => /set_config\(\s*'role'[^;`]*\b(ticketing|public)\.\w+\(/.test(codeOf(source)))
        .map(({ file }) => file)
    assert.deepEqual(both(sourcesOf('{src,sql,load-tests,database-tests,bench,examples}/**/*.{ts,sql}')), [])
    const text =
      "`with s as (select set_config('role', 'anon', true)) select ticketing.receive_webhook($1) from s`"
    assert.equal(both([{ file: 'a.ts', text }]).length, 1)
  })
})
