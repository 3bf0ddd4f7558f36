import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { writeSupabaseMigration } from '../../src/cli/supabase-migration.ts'
import { type Project, type Regime, supabaseProject } from '../support/supabase.ts'

const hasCli = spawnSync('supabase', ['--version']).status === 0

/** A folder with our config.toml, as a checkout has it, without migrations. */
async function workdir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-supabase-'))
  after(() => rm(folder, { recursive: true, force: true }))
  await cp('supabase/config.toml', join(folder, 'supabase/config.toml'))
  await cp('supabase/functions/deno.json', join(folder, 'supabase/functions/deno.json'))
  return folder
}

const migrationsIn = (folder: string) => join(folder, 'supabase/migrations')

/** Supabase's own tool pushes what is new to a database; without it the files are run in their order. */
async function push(folder: string, { url, client }: Project): Promise<string> {
  if (!hasCli) {
    for (const name of (await readdir(migrationsIn(folder))).sort())
      await client.query(await readFile(join(migrationsIn(folder), name), 'utf8'))
    return ''
  }
  const child = spawn(
    'supabase',
    ['db', 'push', `--remote=${url}`, '--yes', '--include-all', '--workdir', folder],
    {
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        DO_NOT_TRACK: '1',
        SUPABASE_TELEMETRY_DISABLED: '1',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const said = Promise.all([child.stdout.toArray(), child.stderr.toArray()])
  const [status] = await once(child, 'close')
  const text = (await said).flat().join('')
  assert.equal(status, 0, text)
  return text
}

const inPlace = async ({ client }: Project) => {
  const { rows } = await client.query(
    `select count(*) filter (where active)::integer as active, count(*)::integer as total from public.verify_protections()`,
  )
  return rows[0]
}

const authObjects = ({ db }: Project) =>
  db.rows(`select p.oid, p.proname, p.prosrc, p.proacl::text, p.xmin::text from pg_proc p
    where p.pronamespace = 'auth'::regnamespace order by p.oid`)

describe("a project's migrations", () => {
  for (const regime of ['older', 'newer'] satisfies Regime[]) {
    it(`are pushed by the Supabase CLI to a project with the ${regime} default privileges`, async (t) => {
      const [folder, project] = [await workdir(), await supabaseProject(regime)]
      const before = await authObjects(project)
      await writeSupabaseMigration(migrationsIn(folder), new Date('2026-11-29T06:30:15.123Z'))
      assert.deepEqual(await readdir(migrationsIn(folder)), ['20261129063015_admit_once.sql'])
      await push(folder, project)
      const { active, total } = await inPlace(project)
      assert.ok(total > 30)
      assert.equal(active, total)
      assert.deepEqual(await authObjects(project), before, "the platform's own is as it was")
      if (!hasCli) return t.diagnostic('no Supabase CLI: the files were run by themselves')
      const history = await project.db.rows('select version, name from supabase_migrations.schema_migrations')
      assert.deepEqual(history, [{ version: '20261129063015', name: 'admit_once' }])
    })
  }

  it('are written once, and after an update once more, later than all that are there', async () => {
    const folder = await workdir()
    const migrations = migrationsIn(folder)
    const write = (at: string) => writeSupabaseMigration(migrations, new Date(at))
    assert.match(await write('2026-11-29T06:30:00Z'), /is new/)
    assert.match(await write('2026-12-01T06:30:00Z'), /is up to date/)
    const first = join(migrations, '20261129063000_admit_once.sql')
    await writeFile(first, `${await readFile(first, 'utf8')}-- as an older release had it\n`)
    await writeFile(join(migrations, '20270101000000_of_the_team.sql'), 'select 1;')
    assert.match(await write('2026-12-01T06:30:00Z'), /20270101000001_admit_once.sql is new/)
    const project = await supabaseProject('newer')
    await push(folder, project)
    assert.deepEqual((await inPlace(project)).active, (await inPlace(project)).total)
    if (hasCli) assert.match(await push(folder, project), /up to date/i)
  })

  it('have nothing of what the platform brings', async () => {
    const folder = await workdir()
    await writeSupabaseMigration(migrationsIn(folder), new Date('2026-11-29T06:30:00Z'))
    const sql = await readFile(join(migrationsIn(folder), '20261129063000_admit_once.sql'), 'utf8')
    assert.doesNotMatch(sql, /create schema auth|create role|create function auth\./)
    assert.doesNotMatch(sql, /^\\/m)
  })
})
