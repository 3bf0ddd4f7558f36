import assert from 'node:assert/strict'
import { it } from 'node:test'
import { assertLawful } from './callers.ts'
import type { TestDatabase } from './database.ts'

/** What is taken out of a database's verbs, so that it is lost what they hold. */
export type Naive = (db: TestDatabase) => Promise<unknown>

/**
 * How a race is shown: it holds with the verbs as they are, and is lost with the naive ones, by an assertion: what cannot run
 * has lost nothing.
 */
export type Race<House> = (what: string, run: (house: House) => Promise<void>, naive: Naive) => void

/** Races in `house`; each twin runs in one of its own, which `openTwin` makes naive. */
export function racesIn<House extends { readonly db: TestDatabase }>(
  house: House,
  openTwin: (naive: Naive) => Promise<House>,
): Race<House> {
  return (what, run, naive) => {
    it(what, async () => {
      await run(house)
      await assertLawful(house.db)
    })
    it(`${what}: the naive twin loses`, async () => {
      const twin = await openTwin(naive)
      await assert.rejects(async () => {
        await run(twin)
        await assertLawful(twin.db)
      }, assert.AssertionError)
    })
  }
}
