import { feedObstacle } from '../../db/feed.ts'
import type { LoadRun } from '../../load/engine.ts'
import { FIXTURES } from '../fixtures/fixtures.ts'
import { counterOf, reconcile, rowsOf, type Scenario } from './scenario.ts'

const DASHBOARDS = FIXTURES['dashboard-load'].managers

export const dashboardLoad: Scenario = {
  name: 'dashboard-load',
  story:
    'Twenty managers watch live what five tills sell; every sale reaches every dashboard, and nobody else.',
  obstacle: ({ databases: { main } }) =>
    feedObstacle({
      run: async (text) => (await main.client.query<(string | null)[]>({ text, rowMode: 'array' })).rows,
    }),
  fixture: () => ({}),
  env: ({ profile }) => ({
    SALES: String(profile.dashboard.sales),
    SALE_PAUSE_S: String(profile.dashboard.pause),
    WAIT_S: String(profile.dashboard.waitSeconds),
  }),
  outcomes: {
    sales_made: 'success',
    strangers_told: 'a stranger was told',
    unexpected_answers: 'unexpected',
  },
  mustHaveHappened: {
    dashboards_loaded: 'dashboards loaded',
    sales_made: 'sales made',
    sales_seen: 'sales seen, each once a dashboard',
    updates_heard: 'updates heard',
    strangers_subscribed: 'strangers subscribed',
  },
  stock: undefined,
  judge: async (run, fixture, load) => {
    const [sold] = await rowsOf<{ orders: number }>(run, SOLD, fixture.eventId)
    const orders = sold?.orders ?? 0
    const made = counterOf(load, 'sales_made')
    const seen = counterOf(load, 'sales_seen')
    const told = counterOf(load, 'strangers_told')
    return [
      {
        name: 'every sale is on every dashboard',
        verdict: made === orders ? reconcile(load, seen, orders * DASHBOARDS) : reconcile(load, made, orders),
        detail: `${made} sales were made, ${orders} are in the database, ${seen} were seen on ${DASHBOARDS} dashboards; ${timesOf(load)}`,
      },
      {
        name: 'nobody hears of an order who may not read it',
        verdict: told > 0 ? 'FAIL' : 'PASS',
        detail: `the door's staff was told ${told} times`,
      },
    ]
  },
}

function timesOf({ metrics }: LoadRun): string {
  const p95 = (name: string) => `${Math.round(metrics[name]?.['p(95)'] ?? 0)} ms`
  return `p95: a dashboard is there in ${p95('dashboard_load')}, an update ${p95('update_from_commit')} after its commit`
}

const SOLD = `select count(*)::int as orders from orders
  where event_id = $1 and status = 'paid' and starts_with(customer_email, 'till-')`
