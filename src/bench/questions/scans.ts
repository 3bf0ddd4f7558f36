import { type Fixture, makeFixture } from '../../proof/fixtures/fixtures.ts'
import { openLoad } from '../load/process.ts'
import { postOf } from '../load/request.ts'
import type { BenchDatabase, Door, Ledger, Question } from '../question.ts'
import { httpContestant } from '../sale.ts'

const SCANNERS = 10
const PER_SECOND = 500
const PATH = '/functions/v1/validate-qr'

/** Gates in the rush before the doors close: each ticket is shown once, at the pace of people and not of the server. */
export const scans: Question = {
  name: 'scans',
  asks: `How long does a gate wait, ${SCANNERS} scanners with ${PER_SECOND} tickets a second? Wanted: p99 below 10 ms.`,
  seconds: 5,
  ratios: [
    {
      name: 'scan_p50_over_empty',
      label: 'p50: scan : refused without the database',
      of: ['scans', 'empty_scans'],
      by: 'p50Ms',
    },
    {
      name: 'scan_p99_over_empty',
      label: 'p99: scan : refused without the database',
      of: ['scans', 'empty_scans'],
      by: 'p99Ms',
    },
  ],
  open: async (world) => {
    const database = await world.openDatabase()
    const server = await world.startServer(database.url)
    const { url } = server
    const load = await world.keep(openLoad('http'), (it) => it.close())
    const open = { users: SCANNERS, perSecond: PER_SECOND }
    let gate: { readonly door: Door; readonly fixture: Fixture } | undefined
    const requests = (bodies: (door: Door, fixture: Fixture) => readonly unknown[]) => {
      if (gate === undefined) throw new Error('no gate was prepared')
      const { door, fixture } = gate
      const sender = { url, path: PATH, key: world.anonKey, token: door.token }
      return bodies(door, fixture).map((body) => postOf(sender, body))
    }
    const prepare = async ({ round, seconds }: { readonly round: number; readonly seconds: number }) => {
      const size = { slug: `scans-${round + 1}`, tickets: PER_SECOND * seconds, codes: 0 }
      const fixture = await makeFixture(database.client, 'scanner-burst', size)
      gate = { fixture, door: await world.doorOf(fixture, database) }
    }
    return {
      contestants: [
        httpContestant(
          load,
          url,
          { name: 'scans', label: `${SCANNERS} scanners, ${PER_SECOND}/s offered` },
          () => ({ ...open, requests: requests(tickets), status: 200, success: '"success":true' }),
          prepare,
        ),
        httpContestant(load, url, { name: 'empty_scans', label: 'the same, refused' }, () => ({
          ...open,
          requests: requests(() => [{}]),
          status: 400,
          success: '"code"',
        })),
      ],
      ledgers: [scanLedger(database)],
      serverPid: () => server.pid,
    }
  },
}

function tickets({ codes }: Door, { businessId }: Fixture) {
  return codes.map((qrData) => ({ qrData, businessId, language: 'en' }))
}

/** Tickets that were used, beside the scans that were recorded. */
function scanLedger({ client }: BenchDatabase): Ledger {
  const count = async () => {
    const { rows } = await client.query<{ rows: number; counter: number }>(
      `select (select count(*) from tickets where status = 'used')::int as rows,
        (select count(*) from scan_logs where scan_success)::int as counter`,
    )
    return rows[0] ?? { rows: -1 }
  }
  return { label: 'scans', of: ['scans'], count }
}
