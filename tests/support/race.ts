import assert from 'node:assert/strict'
import { it } from 'node:test'
import { GUARANTEES } from '../../src/core/guarantees.ts'
import { losesRace } from '../../src/proof/interleaving/racy-twin.ts'
import { takeAway } from '../../src/proof/sabotage/sabotage.ts'
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

/** Verbs in which fragments were replaced. */
export const changed =
  (...edits: readonly Edit[]): Naive =>
  (db) =>
    takeAway(db.client, { name: 'naive', role: 'refuses', kind: 'decision', object: '', without: edits })

export type Edit = readonly [fn: string, fragment: string, replacement: string]

/** Every refusal of these guarantees gone: check, then act, and nothing behind it. */
export const without =
  (...numbers: readonly number[]): Naive =>
  async (db) => {
    for (const guarantee of GUARANTEES.filter((g) => numbers.includes(g.number)))
      for (const protection of guarantee.protections.filter((p) => p.role === 'refuses'))
        await takeAway(db.client, protection)
  }
