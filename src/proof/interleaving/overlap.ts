import type { Client } from 'pg'
import { hasBlocked, type Observer } from './lock-waits.ts'

/**
 * Overlapping transactions in a forced order: what `first` wrote is uncommitted when `second` starts, and is committed once
 * `second` blocks on it or has answered, in which case it saw nothing of `first`. `hasWaited` says which.
 */
export async function overlap<First, Second>(
  observer: Observer,
  [one, two]: readonly [Client, Client],
  first: (client: Client) => Promise<First>,
  second: (client: Client) => Promise<Second>,
): Promise<readonly [first: First, second: Second, hasWaited: boolean]> {
  await one.query('begin')
  try {
    const firstAnswer = await first(one)
    let isDone = false
    const secondAnswer = second(two).finally(() => {
      isDone = true
    })
    // Its error is thrown where it is awaited.
    secondAnswer.catch(() => {})
    const hasWaited = await hasBlocked(observer, () => isDone)
    await one.query('commit')
    return [firstAnswer, await secondAnswer, hasWaited]
  } catch (error) {
    await one.query('rollback')
    throw error
  }
}
