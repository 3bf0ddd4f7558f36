import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import pg from 'pg'
import { testDatabase } from '../support/database.ts'
import { makePgBouncer, noPgBouncer } from '../support/pgbouncer.ts'
import { serverUrl } from '../support/server.ts'
import { admitOnce, newHome } from './support.ts'

/** What an operator did wrong, what was run, and what it says: what is wrong, then what to do. */
interface Wrong {
  readonly what: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly says: RegExp
}

const foreign = await testDatabase(null)
const odd = await testDatabase(null)
const [ours, empty] = [await testDatabase(), await testDatabase(null)]
await foreign.client.query('create schema ticketing; create table ticketing.migrations (version integer)')
await odd.client.query(
  'create schema ticketing; create function ticketing.theirs() returns int language sql return 1',
)
const poor = `poor_${process.pid}`
await ours.client.query(`create role ${poor} login password 'poor'`)
after(async () => {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  await client.query(`drop role ${poor}`)
  await client.end()
})
const asPoor = ({ url }: { readonly url: string }) => {
  const changed = new URL(url)
  changed.username = poor
  changed.password = 'poor'
  return changed.href
}
const home = newHome()
await mkdir(home, { recursive: true })
const file = join(home, 'a-file')
await writeFile(file, '')
await mkdir(join(home, 'other', 'postgres'), { recursive: true })
await writeFile(join(home, 'other', 'postgres', 'PG_VERSION'), '14\n')
const url = ({ url }: { readonly url: string }) => ({ DATABASE_URL: url, ADMIT_ONCE_HOME: home })

const NO_RIGHT =
  /^permission denied .*\nThe user in DATABASE_URL has no right to do that\. Use the database's owner; /
const NOT_OURS =
  /^the schema ticketing exists and is not Admit Once's\nInstall into a database of its own, or rename that schema first\.\n$/

const WRONG: readonly Wrong[] = [
  { what: "somebody else's schema ticketing", args: ['migrate'], env: url(foreign), says: NOT_OURS },
  { what: 'the same, with a function alone', args: ['migrate'], env: url(odd), says: NOT_OURS },
  { what: 'the same, by start', args: ['start', '--port', '0'], env: url(foreign), says: NOT_OURS },
  { what: 'no right to install', args: ['migrate'], env: url({ url: asPoor(empty) }), says: NO_RIGHT },
  { what: 'no right to read', args: ['verify'], env: url({ url: asPoor(ours) }), says: NO_RIGHT },
  { what: 'no right to check', args: ['check'], env: url({ url: asPoor(ours) }), says: NO_RIGHT },
  {
    what: 'no right to make',
    args: ['fixtures', 'reserve-race'],
    env: url({ url: asPoor(ours) }),
    says: NO_RIGHT,
  },
  {
    what: 'no right to make databases',
    args: ['prove', '--profile', 'quick'],
    env: url({ url: asPoor(empty) }),
    says: /permission denied to create database\n.* needs CREATEROLE and CREATEDB/,
  },
  {
    what: 'a file for a folder',
    args: ['fixtures', 'scanner-burst', '--data', file],
    env: url(ours),
    says: /^EEXIST: .*\nA file stands where a folder is needed\. Name another\.\n$/,
  },
  {
    what: 'a file for the home',
    args: ['token', '8d3c0e2a-0000-4000-8000-000000000000'],
    env: { ADMIT_ONCE_HOME: join(file, 'home') },
    says: /^ENOTDIR: .*\nA file stands where a folder is needed\. Name another\.\n$/,
  },
  {
    what: 'a data folder of something else',
    args: ['start', '--port', '0'],
    env: { ADMIT_ONCE_HOME: join(home, 'other') },
    says: /holds files of something else\. Name a folder that is empty or does not exist yet\.\n$/,
  },
  {
    what: 'times that contradict each other',
    args: ['start'],
    env: { HEADER_SECONDS: '30', REQUEST_SECONDS: '10' },
    says: /^REQUEST_SECONDS must be at least HEADER_SECONDS: headers are part of a request\.\n$/,
  },
  {
    what: 'a proxy that is none',
    args: ['start'],
    env: { TRUSTED_PROXIES: '10.0.0.0/33' },
    says: /^TRUSTED_PROXIES must list addresses or networks such as 10\.0\.0\.0\/8, "private" or "any", .* not "10\.0\.0\.0\/33"\.\n$/,
  },
  {
    what: 'no connections',
    args: ['start'],
    env: { POOL_BUYERS: '0' },
    says: /^POOL_BUYERS must be a whole number from 1 to 1000\.\n$/,
  },
]

describe('a command that cannot run says what is wrong and what to do:', () => {
  for (const { what, args, env, says } of WRONG) {
    it(`${what} (${args[0]})`, async () => {
      const { code, stderr } = await admitOnce(args, env)
      assert.match(stderr, says)
      assert.doesNotMatch(stderr, /^ +at /m)
      assert.equal(code, 3)
    })
  }

  it('an empty schema that somebody made for us is ours', async () => {
    const made = await testDatabase(null)
    await made.client.query('create schema ticketing')
    assert.equal((await admitOnce(['migrate'], url(made))).code, 0)
  })
})

describe('through PgBouncer', { skip: noPgBouncer }, () => {
  it('prove says that it needs a direct connection, and leaves no database; verify names one that is not listed', async () => {
    const bouncer = await makePgBouncer(ours.url)
    await bouncer.start()
    const through = (name: string) => ({
      DATABASE_URL: Object.assign(new URL(bouncer.url), { pathname: `/${name}` }).href,
      ADMIT_ONCE_HOME: home,
    })
    const verified = await admitOnce(['verify'], through('tickets'))
    assert.deepEqual([verified.code, verified.stderr], [0, ''])
    const unlisted = await admitOnce(['verify'], through('other'))
    assert.match(
      unlisted.stderr,
      /^PgBouncer at .* leads to no database "other": .*Name it among its \[databases\]/,
    )
    const proof = await admitOnce(['prove', '--profile', 'quick'], through('tickets'))
    assert.match(
      proof.stderr,
      /cannot be reached by DATABASE_URL\. `prove` makes databases of its own: give it a direct connection/,
    )
    assert.equal(proof.code, 3)
    const [, made] = /The database "(admit_once_prove_\w+_template)"/.exec(proof.stderr) ?? []
    assert.ok(made, proof.stderr)
    const left = 'select count(*)::int from pg_database where datname = $1'
    assert.equal(await ours.value(left, [made]), 0)
  })
})
