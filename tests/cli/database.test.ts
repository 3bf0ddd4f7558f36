import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { installSql } from '../../src/db/migrate.ts'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { type TestDatabase, testDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { admitOnce, newHome } from './support.ts'

test('a database that cannot be used is named, with what to do, and never with its password', async () => {
  const { url } = await testDatabase(null)
  const wrong = (change: (url: URL) => void) => {
    const changed = new URL(url)
    changed.password = 'secret-word'
    change(changed)
    return changed.href
  }
  const closed = await freePort()
  const cases: readonly (readonly [string, RegExp])[] = [
    ['nonsense', /^DATABASE_URL must be a postgres:\/\/ URL\.\n$/],
    [
      wrong((at) => Object.assign(at, { port: String(closed) })),
      /^No connection to PostgreSQL at .*Start it, or correct DATABASE_URL\.\n$/,
    ],
    [wrong(() => {}), /refused user .*Correct user and password in DATABASE_URL\.\n$/],
    [`${url}_nowhere`, /has no database ".*_nowhere"\. Create it, or correct DATABASE_URL\.\n$/],
  ]
  for (const command of ['start', 'verify', 'migrate']) {
    await Promise.all(
      cases.map(async ([DATABASE_URL, words]) => {
        const ended = await admitOnce([command], { DATABASE_URL, ADMIT_ONCE_HOME: newHome() })
        assert.match(ended.stderr, words)
        assert.ok(!ended.stderr.includes('secret-word'))
        assert.equal(ended.code, 3)
      }),
    )
  }
})

test('a database without Admit Once is told so', async () => {
  const { url } = await testDatabase(null)
  for (const command of [['verify'], ['check'], ['fixtures', 'reserve-race']]) {
    const ended = await admitOnce(command, { DATABASE_URL: url })
    assert.deepEqual([ended.code, ended.stdout], [3, ''])
    assert.match(
      ended.stderr,
      /^Admit Once is not installed in database ".*"\. Run `admit-once migrate`\.\n$/,
    )
  }
})

test('migrate installs once: twice in a row and twice at once end in the same database, which is what sql prints', async () => {
  const [twice, atOnce, printed] = [
    await testDatabase(null),
    await testDatabase(null),
    await testDatabase(null),
  ]
  const migrate = ({ url }: TestDatabase) => admitOnce(['migrate'], { DATABASE_URL: url })
  const first = await migrate(twice)
  assert.deepEqual([first.code, first.stderr], [0, ''])
  assert.match(first.stdout, /^Installed: (\d+) of \1 protections are in place\.\n$/)
  assert.deepEqual(await migrate(twice), first)
  assert.deepEqual(await Promise.all([migrate(atOnce), migrate(atOnce)]), [first, first])
  const { stdout } = await admitOnce(['sql'])
  assert.equal(stdout, installSql())
  await printed.client.query(stdout)
  assert.deepEqual(await schemaOf(atOnce), await schemaOf(twice))
  assert.deepEqual(await schemaOf(printed), await schemaOf(twice))
})

test('a counter that is switched off is named by verify with 1, start does not sell with it, and migrate mends it', async () => {
  const db = await testDatabase()
  const env = { DATABASE_URL: db.url, ADMIT_ONCE_HOME: newHome() }
  const sound = await admitOnce(['verify'], env)
  assert.equal(sound.code, 0)
  assert.match(sound.stdout, /\n(\d+) of \1 protections are in place\.\n$/)
  await db.client.query('alter table tickets disable trigger trg_sync_sold_quantity')
  const broken = await admitOnce(['verify'], env)
  assert.equal(broken.code, 1)
  assert.match(broken.stdout, /^✗ never-oversold +trg_sync_sold_quantity {2}\(public\.tickets: disabled\)$/m)
  const start = await admitOnce(['start', '--port', '0'], env)
  assert.deepEqual([start.code, start.stdout], [3, ''])
  assert.match(
    start.stderr,
    /^Not selling: .*\n {2}trg_sync_sold_quantity on public\.tickets: disabled\n.*admit-once migrate/,
  )
  assert.equal((await admitOnce(['migrate'], env)).code, 0)
  assert.deepEqual(await admitOnce(['verify'], env), sound)
})

test('a broken law is named by check with 1 and a witness, and no other', async () => {
  const db = await testDatabase()
  const env = { DATABASE_URL: db.url }
  const sound = await admitOnce(['check'], env)
  assert.deepEqual([sound.code, sound.stderr], [0, ''])
  assert.ok(sound.stdout.split('\n').every((line) => line === '' || line.startsWith('✓ ')))
  const { eventId } = await openBoxOffice(db)
  const tierId = await addTier(db, eventId)
  const [ticketId] = await buyTickets(db, eventId, tierId, 1)
  await db.rows(`update tickets set status = 'used', checked_in_at = now() where id = $1`, [ticketId])
  const broken = await admitOnce(['check'], env)
  assert.equal(broken.code, 1)
  assert.deepEqual(
    broken.stdout
      .split('\n')
      .filter((line) => line.startsWith('✗'))
      .map((line) => line.replace(/ +/g, ' ')),
    ['✗ admitted-once admitted_once 1 row breaks it'],
  )
  assert.match(broken.stdout, new RegExp(`^ {4}\\{.*"ticket_id":"${ticketId}"`, 'm'))
})

test('a port that is taken is named', async () => {
  const { url } = await testDatabase()
  await using taken = createServer()
  const port = await new Promise<number>((resolve) => {
    taken.listen(0, '127.0.0.1', () => resolve(Number(Object(taken.address()).port)))
  })
  const ended = await admitOnce(['start', '--port', String(port)], {
    DATABASE_URL: url,
    ADMIT_ONCE_HOME: newHome(),
  })
  assert.deepEqual([ended.code, ended.stdout], [3, ''])
  assert.equal(ended.stderr, `127.0.0.1:${port} is taken. Stop what listens there, or choose another port.\n`)
})

/** Everything that the installer makes, as text. */
async function schemaOf(db: TestDatabase): Promise<unknown> {
  return db.rows(`
    with mine as (select oid from pg_namespace where nspname in ('public', 'ticketing', 'auth'))
    select 'function' as what, p.oid::regprocedure::text as name,
      concat_ws('|', p.prosrc, p.provolatile, p.prosecdef, p.proconfig, p.proacl) as body
    from pg_proc p where p.pronamespace in (select oid from mine)
    union all select 'relation', c.oid::regclass::text, concat_ws('|', c.relkind, c.relacl, c.relrowsecurity, c.reloptions,
      case c.relkind when 'v' then pg_get_viewdef(c.oid) when 'i' then pg_get_indexdef(c.oid) end)
    from pg_class c where c.relnamespace in (select oid from mine)
    union all select 'column', a.attrelid::regclass || '.' || a.attname, concat_ws('|', format_type(a.atttypid, a.atttypmod),
      a.attnotnull, a.attacl, (select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d where d.adrelid = a.attrelid and d.adnum = a.attnum))
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    where a.attnum > 0 and not a.attisdropped and c.relnamespace in (select oid from mine)
    union all select 'constraint', n.conrelid::regclass || '.' || n.conname, pg_get_constraintdef(n.oid)
    from pg_constraint n where n.connamespace in (select oid from mine)
    union all select 'trigger', t.tgrelid::regclass || '.' || t.tgname, concat(t.tgenabled, pg_get_triggerdef(t.oid))
    from pg_trigger t where not t.tgisinternal
    union all select 'policy', y.polrelid::regclass || '.' || y.polname, concat_ws('|', y.polcmd, y.polroles::regrole[],
      pg_get_expr(y.polqual, y.polrelid), pg_get_expr(y.polwithcheck, y.polrelid)) from pg_policy y
    order by 1, 2, 3`)
}
