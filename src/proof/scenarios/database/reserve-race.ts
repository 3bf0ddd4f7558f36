import type { Client } from 'pg'
import { FIXTURES } from '../../fixtures/fixtures.ts'
import { onlyWhole } from '../scenario.ts'
import type { DatabaseScenario } from './scenario.ts'

const STOCK = FIXTURES['reserve-race'].stock

export const reserveRace: DatabaseScenario = {
  name: 'reserve-race',
  story: 'Fifty buyers fight for ten tickets at the database.',
  scripts: [{ file: 'database-tests/pgbench-reserve.sql', weight: 1 }],
  size: 'reserve',
  maxTries: 1,
  stock: STOCK,
  judge: async (client, tierId, load) => {
    const { held, check } = await judgeHolds(client, tierId)
    const refused = load.transactions - held
    return {
      checks: [check(`${STOCK} of ${STOCK} tickets are held`, held === STOCK)],
      mustHaveHappened: [
        { what: 'holds granted', times: held },
        { what: 'buyers told that it is sold out', times: refused },
      ],
      outcomes: { success: held, INSUFFICIENT_TICKETS: refused },
    }
  },
}

/** Transaction pooling: sessions share connections, and a promise must not lean on one. */
export const reserveRacePooled: DatabaseScenario = {
  ...reserveRace,
  name: 'reserve-race-pooled',
  story: 'The same fifty buyers through PgBouncer, which gives a connection for one transaction at a time.',
  isPooled: true,
  obstacle: async (run) =>
    (await onlyWhole(run)) ?? (run.openPooler === undefined ? 'no PgBouncer was found' : undefined),
}

/** SERIALIZABLE: nothing may be oversold; that everything sells is promised under READ COMMITTED only. */
export const reserveRaceSerializable: DatabaseScenario = {
  name: 'reserve-race-serializable',
  story:
    'A hundred buyers fight for ten tickets under SERIALIZABLE: none is sold twice, who loses is told to retry.',
  scripts: [{ file: 'database-tests/pgbench-serializable.sql', weight: 1 }],
  size: 'serializable',
  maxTries: 3,
  stock: STOCK,
  judge: async (client, tierId, load) => {
    const { held, check } = await judgeHolds(client, tierId)
    const { serialization, deadlock } = load.failed
    return {
      checks: [check(`never more than ${STOCK} tickets are held`, held <= STOCK)],
      mustHaveHappened: [
        { what: 'holds granted', times: held },
        { what: 'losers told to retry (40001)', times: serialization + deadlock + load.retries },
      ],
      outcomes: { success: held, INSUFFICIENT_TICKETS: load.transactions - held },
    }
  },
}

interface Hold {
  readonly id: string
  readonly tier_id: string
  readonly session_id: string
  readonly quantity: number
  readonly created_at: Date
}

const HOLDS = `select id, tier_id, session_id, quantity::int as quantity, created_at from ticket_holds
  where tier_id = $1 and status = 'active' order by created_at, id`

async function judgeHolds(client: Client, tierId: string) {
  const { rows } = await client.query<Hold>(HOLDS, [tierId])
  const held = rows.reduce((sum, hold) => sum + hold.quantity, 0)
  const check = (name: string, isRight: boolean) => ({
    name,
    verdict: isRight ? ('PASS' as const) : ('FAIL' as const),
    detail: `${held} held`,
    // Each hold has one ticket: the first one too many.
    ...(held > STOCK ? { witness: rows[STOCK] } : {}),
  })
  return { held, check }
}
