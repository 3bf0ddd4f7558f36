import { makeFixture } from '../../fixtures/fixtures.ts'
import type { RunDatabase } from '../../run-databases.ts'
import { type AttackResult, countAttempts } from '../attack.ts'

const GATES = 10
const TICKETS = 20

/**
 * Ten gates scan the same ticket at the same moment, ticket after ticket; some had no network and send their scan in. Then the
 * parties of claims and of bookings come to ten gates each.
 */
export async function enterTwice(database: RunDatabase): Promise<AttackResult> {
  const fixture = await makeFixture(database.client, 'scanner-burst', { tickets: TICKETS, codes: 2 })
  const { tickets, scannerId, gateCodes, businessId } = fixture
  const attempts = countAttempts()
  const clients = await database.connect(GATES)
  for (const ticket of tickets) {
    await Promise.all(
      clients.map((client, gate) =>
        attempts.verb(
          client,
          `select jsonb_build_object('success', success, 'error', case when already_scanned then 'ALREADY_USED' else error_message end)
           as answer from ${gate % OFFLINE_EVERY === 0 ? SCAN_OFFLINE : SCAN_ONLINE}`,
          [ticket.id, scannerId, `gate ${gate}`],
        ),
      ),
    )
  }
  const parties = gateCodes.filter(({ kind, answers }) => kind !== 'ticket' && answers.includes('ADMITTED'))
  for (const { code } of parties) {
    const scan = JSON.stringify({ business_id: businessId, code, presented: '0'.repeat(64) })
    await Promise.all(clients.map((client) => attempts.verb(client, SCAN_PARTY, [scan])))
  }
  return attempts.result()
}

const OFFLINE_EVERY = 5
const SCAN_ONLINE = 'scan_ticket_atomic($1, $2, $3)'
const SCAN_OFFLINE = `sync_offline_scan($1, $2, now() - interval '1 minute', $3)`
const SCAN_PARTY = `select jsonb_build_object('success', a ->> 'outcome' = 'ADMITTED', 'error', coalesce(a ->> 'outcome', a ->> 'error'))
  as answer from ticketing.validate_qr($1) a`
