import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { migrate } from '../../src/db/migrate.ts'
import { startEmbedded } from '../../src/embedded/embedded.ts'
import { findEngines } from '../../src/load/engine.ts'
import { makeFixture } from '../../src/proof/fixtures/fixtures.ts'
import { openRunDatabases, type RunDatabase } from '../../src/proof/run-databases.ts'

const WINDOWS = 8
const WINDOW_S = 4
const CLIENTS = 50

const folder = await mkdtemp(join(tmpdir(), 'admit-once-bench-'))
// Autovacuum would analyze the tables in the middle of the run and hide what a fresh on-sale falls into.
const cluster = await startEmbedded({
  dataFolder: join(folder, 'data'),
  ephemeral: true,
  settings: { autovacuum: 'off' },
})
try {
  const databases = await openRunDatabases(
    process.env['DATABASE_URL'] ?? cluster.url,
    String(Date.now()),
    migrate,
  )
  try {
    await measure(databases.main)
  } finally {
    await databases.close()
  }
} finally {
  await cluster.stop()
  await rm(folder, { recursive: true, force: true })
}

async function measure(database: RunDatabase): Promise<void> {
  const { tierId } = await makeFixture(database.client, 'reserve-race', { stock: 10_000_000 })
  await database.client.query('create table bare (id int primary key, n int); insert into bare values (1, 0)')
  const bareFile = join(folder, 'bare.sql')
  await writeFile(bareFile, 'update bare set n = n + 1 where id = 1;\n')
  const holdFile = fileURLToPath(new URL('../../database-tests/pgbench-reserve.sql', import.meta.url))

  const bare = await tps(database, bareFile, tierId)
  const windows: number[] = []
  let transactions = 0
  for (let window = 0; window < WINDOWS; window++) {
    const run = await tps(database, holdFile, tierId)
    windows.push(run.tps)
    transactions += run.transactions
  }
  const bareAfter = await tps(database, bareFile, tierId)

  const { rows } = await database.client.query<{ held: number; counted: number }>(
    `select (select count(*)::int from ticket_holds where tier_id = $1 and status = 'active') as held, reserved_quantity as counted
     from ticket_tiers where id = $1`,
    [tierId],
  )
  const { held = -1, counted = -1 } = rows[0] ?? {}
  if (held !== counted || held < transactions) {
    throw new Error(`the rows do not add up: ${transactions} transactions, ${held} holds, counter ${counted}`)
  }
  const first = windows[0] ?? 0
  const last = windows.at(-1) ?? 0
  console.log(
    `holds/s in windows of ${WINDOW_S} s, ${CLIENTS} clients: ${windows.map((w) => w.toFixed(0)).join('  ')}`,
  )
  console.log(
    `bare UPDATE, ${CLIENTS} clients: ${bare.tps.toFixed(0)} before, ${bareAfter.tps.toFixed(0)} after`,
  )
  console.log(
    `last : first = ${(last / first).toFixed(2)}, first : bare = ${((2 * first) / (bare.tps + bareAfter.tps)).toFixed(2)}`,
  )
  console.log(`${held} holds live`)
}

async function tps(database: RunDatabase, file: string, tierId: string) {
  const engines = await findEngines()
  return engines.database.run({
    scripts: [{ file, weight: 1 }],
    url: database.url,
    clients: CLIENTS,
    threads: 4,
    seconds: WINDOW_S,
    defines: { tier_id: tierId },
    timeoutMs: (WINDOW_S + 30) * 1000,
  })
}
