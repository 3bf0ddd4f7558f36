import assert from 'node:assert/strict'
import { it } from 'node:test'
import { losesRace } from '../../src/proof/interleaving/racy-twin.ts'
import { assertLawful } from './callers.ts'
import type { TestDatabase } from './database.ts'

/** A mutation of a database's verbs: what it takes out of them is lost. */
export type Naive = (db: TestDatabase) => Promise<unknown>

/**
 * How a race is shown: it holds with the verbs as they are, and is lost with the naive ones, by an assertion: what cannot run
 * has lost nothing.
 */
export type Race<World> = (what: string, run: (world: World) => Promise<void>, naive: Naive) => void

/** Races in `world`; each twin runs in one of its own, which `openTwin` makes naive. */
export function racesIn<World extends { readonly db: TestDatabase }>(
  world: World,
  openTwin: (naive: Naive) => Promise<World>,
): Race<World> {
  const assertHolds = async (at: World, run: (world: World) => Promise<void>) => {
    await run(at)
    await assertLawful(at.db)
  }
  return (what, run, naive) => {
    it(what, () => assertHolds(world, run))
    it(`${what}: the naive twin loses`, async () => {
      const twin = await openTwin(naive)
      assert.ok(await losesRace(() => assertHolds(twin, run)), 'the twin holds as well')
    })
  }
}
