import assert from 'node:assert/strict'
import type pg from 'pg'
import { untilWaiting } from '../../src/proof/interleaving/lock-waits.ts'
import type { TestDatabase } from './database.ts'

/** Connections that race, and one that holds the lock at which they line up. */
export interface Crowd {
  readonly db: TestDatabase
  readonly holder: pg.Client
  /** Each runs one statement at a time. */
  readonly crowd: readonly pg.Client[]
}

/** How many race where a test does not say otherwise. */
export const CROWD = 8

export async function openCrowd(db: TestDatabase, size = CROWD): Promise<Crowd> {
  const crowd = await Promise.all(Array.from({ length: size }, () => db.connect()))
  return { db, holder: await db.connect(), crowd }
}

type Work<Answer> = (client: pg.Client) => Promise<Answer>

/** Lock queue: `works` start one after the other while `lock` is held; each waits, for the holder or for one before it. */
export async function behind<Answer>(
  { db, holder, crowd }: Crowd,
  lock: string,
  works: readonly Work<Answer>[],
): Promise<Answer[]> {
  await holder.query('begin')
  await holder.query(lock)
  const answers: Promise<Answer>[] = []
  let running = 0
  try {
    for (const work of works) {
      const client = crowd[answers.length]
      if (client === undefined) throw new Error(`a race has at most ${crowd.length} runners`)
      running++
      const answer = work(client).finally(() => running--)
      answers.push(answer)
      // One that is refused at once does not wait; what it says is judged with the others.
      const done = answer.then(
        () => {},
        () => {},
      )
      await Promise.race([untilWaiting(db, running), done])
    }
  } finally {
    await holder.query('commit')
  }
  return Promise.all(answers)
}

/** Runs `works` at once; none goes on before `waiting` of them, all unless said otherwise, have come as far as `lock`. */
export async function allAt<Answer>(
  { db, holder }: Crowd,
  lock: string,
  works: readonly (() => Promise<Answer>)[],
  waiting = works.length,
): Promise<Answer[]> {
  await holder.query('begin')
  await holder.query(lock)
  const answers = Promise.all(works.map((work) => work()))
  try {
    await untilWaiting(db, waiting)
  } finally {
    await holder.query('commit')
  }
  return answers
}

/** A call's budget is four fifths of this, so that its answer comes before PostgreSQL cancels the statement. */
const STATEMENT_TIMEOUT = '400ms'

/** Runs `work` on the first connection while `lock` is held, and sees that it leaves no timeout of its own behind. */
export async function whileLocked<Answer>(
  { holder, crowd }: Crowd,
  lock: string,
  work: Work<Answer>,
): Promise<Answer> {
  const [client] = crowd as [pg.Client]
  await holder.query('begin')
  await holder.query(lock)
  await client.query(`set statement_timeout = '${STATEMENT_TIMEOUT}'`)
  try {
    return await work(client)
  } finally {
    await holder.query('commit')
    await client.query('reset statement_timeout')
    assert.equal((await client.query('show lock_timeout')).rows[0].lock_timeout, '0')
  }
}

/** The locks that verbs take: by key, and by row. */
export const advisory = (key: string) => `select pg_advisory_xact_lock(hashtextextended('${key}', 0))`
export const row = (table: string, id: string) => `select from ${table} where id = '${id}' for update`
