import type { Client } from 'pg'
import { type Observer, untilWaiting } from './lock-waits.ts'

/** What a third session locks: a SELECT … FOR UPDATE, or a call of an advisory lock. */
export interface Lock {
  readonly sql: string
  readonly values: readonly unknown[]
}

/**
 * Lock queue: `holder` takes a lock, each call is started once the one before it waits for a lock, and then the lock is given
 * up. So every call has read what it reads before that lock. They get an advisory lock in this order; of a row's lock that is
 * certain for the first call only, since the others follow the row to its new version side by side.
 */
export async function queueBehind<Answers extends readonly unknown[]>(
  observer: Observer,
  holder: Client,
  lock: Lock,
  calls: { readonly [At in keyof Answers]: () => Promise<Answers[At]> },
): Promise<Answers> {
  await holder.query('begin')
  try {
    await holder.query(lock.sql, [...lock.values])
    const answers: Promise<unknown>[] = []
    for (const call of calls) {
      const answer = call()
      // Its error is thrown where it is awaited.
      answer.catch(() => {})
      answers.push(answer)
      await untilWaiting(observer, answers.length)
    }
    await holder.query('commit')
    return (await Promise.all(answers)) as readonly unknown[] as Answers
  } catch (error) {
    await holder.query('rollback')
    throw error
  }
}
