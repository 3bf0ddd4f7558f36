import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type pg from 'pg'
import { addTier, buyTickets, openBoxOffice } from '../support/box-office.ts'
import { allAt, openCrowd, row } from '../support/crowd.ts'
import { lawfulDatabase } from '../support/lawful-office.ts'

const db = await lawfulDatabase()
const { eventId, staffId } = await openBoxOffice(db)
const at = await openCrowd(db, 6)

describe('gates', () => {
  it('two gates, one ticket, ten times: one opens, the other says already', async () => {
    const tickets = await buyTickets(db, eventId, await addTier(db, eventId), 10)
    const [north, south] = at.crowd as [pg.Client, pg.Client]
    for (const id of tickets) {
      const scan = (client: pg.Client) => async () =>
        (await client.query('select success, already_scanned from scan_ticket_atomic($1, $2)', [id, staffId]))
          .rows[0]
      const answers = await allAt(at, row('tickets', id), [scan(north), scan(south)])
      assert.deepEqual(answers.map((answer) => answer.success).sort(), [false, true])
      assert.deepEqual(answers.map((answer) => answer.already_scanned).sort(), [false, true])
    }
  })

  it('six gates come back online at once with one ticket: the earliest scan has it', async () => {
    const [id] = await buyTickets(db, eventId, await addTier(db, eventId), 1)
    const made = await db.value<Date>('select created_at from tickets where id = $1', [id])
    const works = at.crowd.map((client, i) => async () => {
      const scannedAt = new Date(made.getTime() + 1 + ((i * 5) % 6))
      return client.query('select * from sync_offline_scan($1, $2, $3, $4)', [
        id,
        staffId,
        scannedAt,
        `gate ${(i * 5) % 6}`,
      ])
    })
    await allAt(at, row('tickets', String(id)), works)
    assert.deepEqual(
      await db.rows('select device_id from scan_logs where ticket_id = $1 and scan_success', [id]),
      [{ device_id: 'gate 0' }],
    )
    assert.equal(await db.value('select count(*)::int from scan_logs where ticket_id = $1', [id]), 6)
  })
})
