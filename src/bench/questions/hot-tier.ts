import { openLoad } from '../load/process.ts'
import { type PgbenchScript, pgbenchContestant, withoutPgbench } from '../pgbench.ts'
import type {
  BenchDatabase,
  Contestant,
  Experiment,
  Ledger,
  Question,
  RatioSpec,
  World,
} from '../question.ts'
import { cartCall, emptyCall, holdCall, httpContestant, openTiers, tierLedger } from '../sale.ts'
import { openRivals, RIVALS } from './rivals.ts'

const RATIOS: readonly RatioSpec[] = [
  {
    name: 'desk_over_bare_update',
    label: 'desk, 200 callers : bare UPDATE, 50 clients',
    of: ['desk_200', 'bare_update_50'],
    target: { atLeast: 15 },
  },
  {
    name: 'desk_50_over_bare_update',
    label: 'desk, 50 callers : bare UPDATE, 50 clients',
    of: ['desk_50', 'bare_update_50'],
    target: { atLeast: 15 },
  },
  {
    name: 'desk_over_batched_insert',
    label: 'desk, 200 callers : 100 rows a statement',
    of: ['desk_200', 'batched_insert_1'],
    target: { atLeast: 0.5 },
  },
  {
    name: 'http_over_empty_post',
    label: 'HTTP, 200 users : empty POST, 200 users',
    of: ['http_200', 'empty_post_200'],
    target: { atLeast: 0.6 },
  },
  {
    name: 'http_over_bare_update',
    label: 'HTTP, 200 users : bare UPDATE, 50 clients',
    of: ['http_200', 'bare_update_50'],
    target: { atLeast: 5 },
  },
  {
    name: 'carts_over_holds',
    label: 'HTTP, 200 users: carts : holds',
    of: ['http_cart_200', 'http_200'],
  },
  {
    name: 'http_200_over_10',
    label: 'HTTP: 200 users : 10 users',
    of: ['http_200', 'http_10'],
    target: { atLeast: 1 },
  },
  {
    name: 'http_200_over_50',
    label: 'HTTP: 200 users : 50 users',
    of: ['http_200', 'http_50'],
    target: { atLeast: 1 },
  },
  {
    name: 'verbs_over_bare_update',
    label: 'SQL verb : bare UPDATE, 50 clients',
    of: ['verbs_50', 'bare_update_50'],
  },
]

/** One tier that everybody wants: what a hold of the product takes beside what a row of PostgreSQL takes. */
export const hotTier: Question = {
  name: 'hot-tier',
  asks: 'How fast is a tier held that everybody wants, beside bare PostgreSQL and beside HTTP itself?',
  seconds: 3,
  ratios: RATIOS,
  open: async (world) => {
    const http = await openHttp(world)
    const desk = await openDesk(world)
    const sql = world.pgbench === undefined ? NO_SQL : await openSql(world)
    return {
      contestants: [...http.contestants, ...desk.contestants, ...sql.contestants],
      ledgers: [...http.ledgers, ...desk.ledgers, ...sql.ledgers],
      missing: sql.missing,
      serverPid: http.serverPid,
    }
  },
}

type Part = Pick<Experiment, 'contestants' | 'ledgers'>

const USERS = [10, 50, 200] as const
const USERS_MOST = 200

/** Users of a server, each with a connection that it keeps. */
async function openHttp(world: World): Promise<Part & Required<Pick<Experiment, 'serverPid'>>> {
  const database = await world.openDatabase()
  const holds = USERS.map((users) => ({
    name: `http_${users}`,
    label: `HTTP, ${users} users`,
    users,
    call: holdCall,
  }))
  const carts = USERS.map((users) => ({
    name: `http_cart_${users}`,
    label: `HTTP, carts, ${users} users`,
    users,
    call: cartCall,
  }))
  const all = [...holds, ...carts]
  const tierOf = await openTiers(
    database,
    all.map(({ name }) => slugOf(name)),
  )
  const server = await world.startServer(database.url)
  const { url } = server
  const load = await world.keep(openLoad('http'), (it) => it.close())
  const empty = { name: `empty_post_${USERS_MOST}`, label: `empty POST, ${USERS_MOST} users` }
  return {
    contestants: [
      ...all.map((one) =>
        httpContestant(load, url, { ...one, warmsUp: one.users === USERS_MOST }, () =>
          one.call(world, url, [tierOf(slugOf(one.name))], one.users),
        ),
      ),
      httpContestant(load, url, empty, () => emptyCall(world, url, USERS_MOST)),
    ],
    ledgers: all.map(({ name, label }) => tierLedger(database, [tierOf(slugOf(name))], label, [name])),
    serverPid: () => server.pid,
  }
}

const CALLERS = [50, 200] as const
const CALLERS_MOST = 200

/** Callers of the desk in a process of its own. */
async function openDesk(world: World): Promise<Part> {
  const database = await world.openDatabase()
  const all = CALLERS.map((callers) => ({
    name: `desk_${callers}`,
    label: `desk, ${callers} callers`,
    callers,
  }))
  const tierOf = await openTiers(
    database,
    all.map(({ name }) => slugOf(name)),
  )
  const load = await world.keep(openLoad('desk'), (it) => it.close())
  const contestantOf = ({ name, label, callers }: (typeof all)[number]): Contestant => ({
    name,
    label,
    // The others find its connections and its code warm.
    warmsUp: callers === CALLERS_MOST,
    run: async ({ seconds, signal }) => {
      const order = {
        databaseUrl: database.url,
        connectionsMax: world.buyersMax,
        tierId: tierOf(slugOf(name)),
        callers,
        seconds,
      }
      const { cpuSeconds, ...came } = await load.run(order, signal)
      return { ...came, seconds, loadCpuSeconds: cpuSeconds }
    },
  })
  return {
    contestants: all.map(contestantOf),
    ledgers: all.map(({ name, label }) => tierLedger(database, [tierOf(slugOf(name))], label, [name])),
  }
}

const VERBS = { name: 'verbs_50', label: 'SQL verb, 50 clients', clients: 50 } as const
const BATCH = { name: 'batched_insert_1', label: '100 rows a statement', clients: 1 } as const

const NO_SQL = { contestants: [], ledgers: [], missing: [withoutPgbench([...RIVALS, VERBS, BATCH])] } as const

/** Clients of PostgreSQL itself. */
async function openSql(world: World): Promise<Part & Pick<Experiment, 'missing'>> {
  const [forVerbs, forBatches] = [await world.openDatabase(), await world.openDatabase()]
  const rivals = await openRivals(world, forVerbs)
  const parts = [
    await openTierScript(world, forVerbs, {
      ...VERBS,
      sql: 'select reserve_tickets_atomically(:tier_id, 1);',
      each: 1,
    }),
    await openTierScript(world, forBatches, { ...BATCH, sql: BATCHED_INSERT, each: BATCH_ROWS }),
  ]
  return {
    contestants: [...rivals.contestants, ...parts.map(({ contestant }) => contestant)],
    ledgers: [...rivals.ledgers, ...parts.map(({ ledger }) => ledger)],
    missing: [],
  }
}

const BATCH_ROWS = 100

/** The least that a hold can be: the row alone, with every trigger and index, and no answer. */
const BATCHED_INSERT = `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
select t.event_id, t.id, ticketing.session_id('session'), 1, now() + interval '15 minutes'
from ticket_tiers t, generate_series(1, ${BATCH_ROWS}) where t.id = :tier_id;`

/** A script that holds of a tier of the product. */
async function openTierScript(
  world: World,
  database: BenchDatabase,
  script: Omit<PgbenchScript, 'defines'>,
): Promise<{ readonly contestant: Contestant; readonly ledger: Ledger }> {
  const slug = slugOf(script.name)
  const tierId = (await openTiers(database, [slug]))(slug)
  const defines = () => ({ tier_id: tierId })
  return {
    contestant: await pgbenchContestant(world, database.url, { ...script, defines }),
    ledger: tierLedger(database, [tierId], script.label, [script.name]),
  }
}

function slugOf(name: string): string {
  return name.replaceAll('_', '-')
}
