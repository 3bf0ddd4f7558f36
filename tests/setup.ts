import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { migrate } from '../src/db/migrate.ts'
import { type Cluster, startEmbedded } from '../src/embedded/embedded.ts'
import { findMemoryFolder } from '../src/embedded/memory.ts'
import { TEMPLATE } from './support/database.ts'

let cluster: Cluster | undefined

/** One server for all test files, and on it one installed database that every test clones. */
export async function globalSetup(): Promise<void> {
  // Compile cache: hundreds of processes read the same sources.
  process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../node_modules/.cache/admit-once')
  const url = process.env['DATABASE_URL'] || (await startOwnServer())
  process.env['ADMIT_ONCE_TEST_URL'] = url
  await makeTemplate(url)
}

export async function globalTeardown(): Promise<void> {
  await cluster?.stop()
}

/** What a few test files at once keep of databases and WAL. */
const MEMORY_BYTES_MIN = 4 * 1024 ** 3

/** tmpfs, where it has room: its settings stay the product's, but no clone waits for a disk. What shows durability has a server of its own. */
async function startOwnServer(): Promise<string> {
  const folder = (await findMemoryFolder(MEMORY_BYTES_MIN)) ?? tmpdir()
  cluster = await startEmbedded({
    dataFolder: join(folder, `admit-once-tests-${process.pid}`),
    ephemeral: true,
  })
  return cluster.url
}

async function makeTemplate(url: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(`drop database if exists ${TEMPLATE} with (force)`)
    await client.query(`create database ${TEMPLATE}`)
  })
  const template = new URL(url)
  template.pathname = `/${TEMPLATE}`
  await withClient(template.href, async (client) => {
    await migrate(client)
    // Tests book evenings that are never over.
    await client.query(`update ticketing.settings set booking_ahead = '100 years'`)
  })
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
