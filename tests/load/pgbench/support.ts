import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Client } from 'pg'
import { BUILT_IN, type DatabaseEngine, findEngines, type PgbenchRun } from '../../../src/load/engine.ts'
import type { PgbenchOptions } from '../../../src/load/pgbench/run.ts'
import { serverUrl } from '../../support/server.ts'

/** A database of this test's own, with a login role whose password needs escaping everywhere. */
export interface Bench {
  readonly url: string
  /** The part of the password that looks the same in every encoding. */
  readonly secret: string
  readonly query: <Row extends unknown[]>(sql: string) => Promise<Row[]>
  readonly run: (
    engine: DatabaseEngine,
    script: string,
    options?: Partial<PgbenchOptions>,
  ) => Promise<PgbenchRun>
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

const RUN_TIMEOUT_MS = 30_000

export async function openBench(): Promise<Bench> {
  const name = `admit_once_pgbench_${randomBytes(4).toString('hex')}`
  const secret = randomBytes(8).toString('hex')
  const password = `p@ss'/ %:${secret}`
  const admin = await connect(serverUrl())
  await admin.query(`create role ${name} login password ${admin.escapeLiteral(password)}`)
  await admin.query(`create database ${name} owner ${name}`)
  const url = new URL(serverUrl())
  url.username = name
  url.password = encodeURIComponent(password)
  url.pathname = name
  const owner = await connect(url.href)
  const folder = await mkdtemp(join(tmpdir(), 'admit-once-test-'))
  return {
    url: url.href,
    secret,
    query: async <Row extends unknown[]>(sql: string) => {
      const results = await owner.query<Row>({ text: sql, rowMode: 'array' })
      return [results].flat().at(-1)?.rows ?? []
    },
    run: async (engine, script, options) => {
      const file = join(await mkdtemp(join(folder, 'run-')), 'script.sql')
      await writeFile(file, script)
      return engine.run({
        scripts: [{ file, weight: 1 }],
        url: url.href,
        clients: 1,
        timeoutMs: RUN_TIMEOUT_MS,
        ...options,
      })
    },
    [Symbol.asyncDispose]: async () => {
      await owner.end()
      await admin.query(`drop database ${name} with (force)`)
      await admin.query(`drop role ${name}`)
      await admin.end()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Both engines, or the built-in one alone, with a word about it, where pgbench is not installed. */
export function engines(t: TestContext): readonly DatabaseEngine[] {
  if (database.name === 'pgbench') return [database, builtIn]
  t.diagnostic('pgbench was not found: the built-in runner was tested, its agreement with pgbench was not')
  return [builtIn]
}

export const builtIn = BUILT_IN.database

const { database } = await findEngines()

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  await client.connect()
  return client
}
