import assert from 'node:assert/strict'
import type pg from 'pg'
import { overlap } from '../../src/proof/interleaving/overlap.ts'
import type { TestDatabase } from './database.ts'
import { GATES, type Step, TICKETS } from './gate-model.ts'
import { type Check, perform } from './gate-steps.ts'
import { assertEnd, assertStatuses, openWorld, type World } from './gate-world.ts'

/** Runs `steps` on tickets of their own and compares with the model after each. Throws an AssertionError where they differ. */
export async function live(
  db: TestDatabase,
  clients: readonly [pg.Client, pg.Client],
  steps: readonly Step[],
): Promise<void> {
  const world = await openWorld(db)
  for (const step of steps) await take(world, clients, step)
  await assertStatuses(world)
  // The evening is over: every gate has network again.
  for (let gate = 0; gate < GATES; gate++)
    await take(world, clients, { do: 'sync', gate, again: true, backwards: false })
  for (let gate = 0; gate < GATES; gate++) await take(world, clients, { do: 'read list', gate })
  await assertEnd(world)
}

async function take(world: World, clients: readonly [pg.Client, pg.Client], step: Step): Promise<void> {
  if (step.do !== 'together') return (await perform(world, clients[0], step))()
  const { first, second } = step
  const [one, two, hasWaited] = await overlap(
    world.db,
    clients,
    (client) => perform(world, client, first),
    (client) => perform(world, client, second),
  )
  if (hasWaited) inOrder(one, two)
  else inSomeOrder(world, one, two)
  // A list beside a change may or may not have it; the next one must.
  for (const each of [first, second]) if (each.do === 'read list') (await perform(world, clients[0], each))()
}

function inOrder(first: Check, second: Check): void {
  first()
  second()
}

/** Who did not wait saw nothing of the other: it may as well have been first. */
function inSomeOrder(world: World, one: Check, two: Check): void {
  const tickets = [...world.tickets]
  const admittedOnline = [...world.admittedOnline]
  try {
    inOrder(one, two)
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error
    world.tickets.splice(0, TICKETS, ...tickets)
    world.admittedOnline.splice(0, TICKETS, ...admittedOnline)
    inOrder(two, one)
  }
}
