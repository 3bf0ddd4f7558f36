import type pg from 'pg'
import type { TestDatabase } from './database.ts'

/** Rollback: what is changed by `work` is undone afterwards. */
export async function undone<T>(db: TestDatabase, work: (client: pg.Client) => Promise<T>): Promise<T> {
  await db.client.query('begin')
  try {
    return await work(db.client)
  } finally {
    await db.client.query('rollback')
  }
}
