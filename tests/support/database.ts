import { randomUUID } from 'node:crypto'
import { after } from 'node:test'
import pg from 'pg'
import { serverUrl } from './server.ts'

/** The installed database that tests/setup.ts makes and tests clone. */
export const TEMPLATE = 'admit_once_test_template'

export interface TestDatabase {
  readonly url: string
  /** A superuser connection, like a migration's owner. */
  readonly client: pg.Client
  /** Another connection of the same kind; closed with the database. */
  connect(): Promise<pg.Client>
  /** Runs one statement and gives the first column of the first row. */
  value<T>(sql: string, parameters?: readonly unknown[]): Promise<T>
  rows<T extends pg.QueryResultRow>(sql: string, parameters?: readonly unknown[]): Promise<T[]>
}

/** A database of the test file's own, cloned from `template` (null: empty), dropped when the file is done. */
export async function testDatabase(template: string | null = TEMPLATE): Promise<TestDatabase> {
  const name = `admit_once_test_${randomUUID().replaceAll('-', '')}`
  await onServer(`create database ${name} template ${template ?? 'template0'}`)
  const url = new URL(serverUrl())
  url.pathname = `/${name}`
  const clients: pg.Client[] = []
  const connect = async () => {
    const client = new pg.Client({ connectionString: url.href })
    await client.connect()
    clients.push(client)
    return client
  }
  const client = await connect()
  const rows = async <T extends pg.QueryResultRow>(sql: string, parameters: readonly unknown[] = []) =>
    (await client.query<T>(sql, [...parameters])).rows
  after(async () => {
    await Promise.all(clients.map((open) => open.end()))
    await onServer(`drop database if exists ${name} with (force)`)
  })
  return {
    url: url.href,
    client,
    connect,
    rows,
    value: async <T>(sql: string, parameters: readonly unknown[] = []) =>
      Object.values((await rows(sql, parameters))[0] ?? {})[0] as T,
  }
}

/** Clones of one template are made one at a time: PostgreSQL refuses a template that another session is copying. */
async function onServer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  try {
    await client.query('select pg_advisory_lock(20261121)')
    await client.query(sql)
  } finally {
    await client.end()
  }
}
