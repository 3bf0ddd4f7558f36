import { openLoad } from '../load/process.ts'
import { pgbenchContestant, withoutPgbench } from '../pgbench.ts'
import type { BenchDatabase, Experiment, Question, World } from '../question.ts'
import { emptyCall, holdCall, httpContestant, openTiers, tierLedger } from '../sale.ts'

const WINDOWS = 8
const USERS = 200
const CLIENTS = 50
const NUMBERS = Array.from({ length: WINDOWS }, (_, at) => at + 1)
const TARGET = { atLeast: 0.95 }
const SQL_LABEL = `SQL verb, ${CLIENTS} clients`

/** A hold that looks through the living ones gets slower from window to window. */
export const growthWindows: Question = {
  name: 'growth-windows',
  asks: `Does a hold cost the same however many live? From an empty database, never analyzed, ${WINDOWS} windows in a row.`,
  seconds: 4,
  isFreshEachRound: true,
  ratios: [
    {
      name: 'last_over_first',
      label: `HTTP, ${USERS} users: last window : first`,
      of: [`http_${WINDOWS}`, 'http_1'],
      target: TARGET,
    },
    {
      name: 'verbs_last_over_first',
      label: `SQL verb, ${CLIENTS} clients: last window : first`,
      of: [`verbs_${WINDOWS}`, 'verbs_1'],
      target: TARGET,
    },
  ],
  open: async (world) => {
    const http = await openHttp(world)
    if (world.pgbench === undefined) return { ...http, missing: [withoutPgbench([{ label: SQL_LABEL }])] }
    const sql = await openSql(world)
    return {
      ...http,
      contestants: [...http.contestants, ...sql.contestants],
      ledgers: [...http.ledgers, ...sql.ledgers],
    }
  },
}

async function openHttp(world: World): Promise<Experiment> {
  const { database, tierId } = await openEmpty(world)
  const server = await world.startServer(database.url)
  const { url } = server
  const load = await world.keep(openLoad('http'), (it) => it.close())
  const label = `HTTP, ${USERS} users`
  const contestants = NUMBERS.map((number) =>
    httpContestant(
      load,
      url,
      { name: `http_${number}`, label: `${label}, window ${number}`, warmsUp: false },
      () => holdCall(world, url, [tierId], USERS),
    ),
  )
  const empty = httpContestant(load, url, { name: 'empty', label: 'empty POST' }, () =>
    emptyCall(world, url, USERS),
  )
  return {
    contestants,
    ledgers: [
      tierLedger(
        database,
        [tierId],
        label,
        contestants.map(({ name }) => name),
      ),
    ],
    // A server that has compiled its code, at a database that has seen nobody.
    warmUp: () => empty.run({ round: -1, seconds: 1, signal: world.signal }),
    serverPid: () => server.pid,
  }
}

async function openSql(world: World): Promise<Experiment> {
  const { database, tierId } = await openEmpty(world)
  const contestants = await Promise.all(
    NUMBERS.map((number) =>
      pgbenchContestant(world, database.url, {
        name: `verbs_${number}`,
        label: `${SQL_LABEL}, window ${number}`,
        clients: CLIENTS,
        sql: 'select reserve_tickets_atomically(:tier_id, 1);',
        defines: () => ({ tier_id: tierId }),
      }),
    ),
  )
  const names = contestants.map(({ name }) => name)
  return { contestants, ledgers: [tierLedger(database, [tierId], SQL_LABEL, names)] }
}

/** Autovacuum would analyze the tables in the middle of a run, and hide what a fresh on-sale falls into. */
async function openEmpty(
  world: World,
): Promise<{ readonly database: BenchDatabase; readonly tierId: string }> {
  const database = await world.openDatabase()
  for (const table of ['ticket_holds', 'ticket_tiers'])
    await database.client.query(`alter table ${table} set (autovacuum_enabled = false)`)
  return { database, tierId: (await openTiers(database, ['floor']))('floor') }
}
