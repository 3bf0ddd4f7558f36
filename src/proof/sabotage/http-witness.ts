import { join } from 'node:path'
import type { Run } from '../run.ts'
import type { RunDatabase } from '../run-databases.ts'
import type { Scenario } from '../scenarios/scenario.ts'
import { strangers } from '../scenarios/strangers.ts'
import { RAN_TO_ITS_END } from '../stages/http-load.ts'
import { runOnServer } from '../stages/on-server.ts'
import { semaphore } from './at-once.ts'
import type { HttpWitness, OpenHttpWitness } from './sabotage.ts'

/** A server at such a load has nearly 30 connections, and PostgreSQL may have a hundred. */
const SERVERS_MAX = 2

/** A few see as much as many do: what is missing is missing for each of them. */
const GUESTS = 2

/** Black box: the scenario that judges a guarantee over HTTP, and its check that must fail. */
const JUDGES: Readonly<Record<string, { readonly scenario: Scenario; readonly check: string }>> = {
  'only-yours': {
    scenario: { ...strangers, fixture: () => ({ guests: GUESTS }) },
    check: 'nothing of a buyer was taken, changed or used by anybody else',
  },
}

/** The scenario's script, run on a server of the attacked database's own. What is seen without one protection is seen without all. */
export function httpWitnessOf(run: Run): OpenHttpWitness {
  const enter = semaphore(SERVERS_MAX)
  return async ({ guarantee, kind }, database) => {
    const judge = JUDGES[guarantee.name]
    if (judge === undefined || kind === 'all refusing') return undefined
    const there = runOn(run, database)
    const leave = await enter()
    const server = await run.startServer(database.url).catch((error: unknown) => {
      leave()
      throw error
    })
    return {
      look: async () => {
        const { checks } = await runOnServer(there, server, judge.scenario, () => {})
        const verdictOf = (check: string) => checks.find(({ name }) => name === check)?.verdict
        if (verdictOf(judge.check) === 'FAIL') return true
        // A script that broke off has not looked everywhere.
        return verdictOf(RAN_TO_ITS_END) === 'PASS' ? false : undefined
      },
      close: () => server.stop().finally(leave),
    } satisfies HttpWitness
  }
}

/** The same run with another database, which leaves nothing in its results but files in a folder of their own. */
function runOn(run: Run, main: RunDatabase): Run {
  const folder = join(run.folder, 'sabotage')
  return { ...run, databases: { ...run.databases, main }, scenarios: [], servers: new Map(), folder }
}
