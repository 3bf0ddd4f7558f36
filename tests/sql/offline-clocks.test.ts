import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { doublesOf, scanOnline } from '../support/gates.ts'
import { ago, DAY_MS, openOfflineGate, outcomeOf } from '../support/offline.ts'

const { db, house, staff, ticket, syncAs } = await openOfflineGate()

describe('the clock of a gate without network', () => {
  const clocks: readonly [string, number, (at: Date, made: Date, now: Date) => boolean, boolean][] = [
    ['right', -60_000, (at, _made, now) => Math.abs(now.getTime() - at.getTime() - 60_000) < 1000, false],
    ['ahead', 3_600_000, (at, _made, now) => at <= now, true],
    ['before the ticket was made', -2 * DAY_MS, (at, made) => at.getTime() === made.getTime(), true],
  ]
  for (const [what, offMs, isBelieved, isSuspect] of clocks)
    it(`a clock that is ${what} ${isSuspect ? 'is bounded and marked' : 'is believed'}`, async () => {
      const id = await ticket(1)
      const { results } = await syncAs(staff, [{ ticket_id: id, scanned_at: ago(-offMs) }])
      const [row] = await db.rows<{ scanned_at: Date; clock_suspect: boolean; created_at: Date; now: Date }>(
        `select s.scanned_at, s.clock_suspect, t.created_at, clock_timestamp() as now
         from scan_logs s join tickets t on t.id = s.ticket_id where t.id = $1`,
        [id],
      )
      assert.ok(row && isBelieved(row.scanned_at, row.created_at, row.now), JSON.stringify(row))
      assert.deepEqual([row.clock_suspect, results?.[0]?.clock_suspect], [isSuspect, isSuspect])
    })

  const [DEAD, OLD, OLDER] = ['1970-01-01T00:00:00Z', ago(8 * DAY_MS), ago(9 * DAY_MS)]
  const [SURE, LATER] = [ago(2 * DAY_MS), ago(DAY_MS)]
  const merges: readonly [string, readonly [first: string, second: string], won: string][] = [
    ['the earlier of two that are believed', [LATER, SURE], SURE],
    ['the one that is believed, not a dead clock', [SURE, DEAD], SURE],
    ['the one that is believed, not a dead clock that came in first', [DEAD, LATER], LATER],
    ['the one that is believed, not one older than the settings say', [LATER, OLD], LATER],
    ['the earlier of two older than the settings say', [OLD, OLDER], OLDER],
    ['of two dead clocks the one that came in first', ['1971-01-01T00:00:00Z', DEAD], '1971-01-01T00:00:00Z'],
  ]
  for (const [what, times, won] of merges)
    it(`counts ${what}, in one list or in two, and reports the other`, async () => {
      const [alone, together] = [await ticket(30), await ticket(30)]
      const scansOf = (ticket_id: string) =>
        times.map((scanned_at) => ({ ticket_id, scanned_at, device_id: scanned_at }))
      for (const scan of scansOf(alone)) await syncAs(staff, [scan])
      const { results } = await syncAs(staff, scansOf(together).toReversed())
      const doubles = await doublesOf(db, house.eventId)
      const isDead = times.every((time) => time.startsWith('197'))
      for (const id of isDead ? [alone] : [alone, together])
        assert.deepEqual(
          doubles
            .filter(({ ticket_id }) => ticket_id === id)
            .map(({ counted, other }) => [counted?.device_id, other.device_id]),
          [[won, times.find((time) => time !== won)]],
        )
      assert.equal(
        results?.filter(({ success }) => success).length,
        1,
        'answers are as they stand at the end',
      )
    })

  it('a dead clock never beats a gate that was online', async () => {
    const id = await ticket(30)
    await scanOnline(db.client, id, 'online')
    const { results } = await syncAs(staff, [{ ticket_id: id, scanned_at: DEAD, device_id: 'dead' }])
    assert.deepEqual([results?.map(outcomeOf), results?.[0]?.clock_suspect], [['already'], true])
  })

  it('a scan that is older than the settings say keeps its time, and is marked', async () => {
    const { results } = await syncAs(staff, [{ ticket_id: await ticket(30), scanned_at: OLD }])
    assert.deepEqual(
      [Date.parse(String(results?.[0]?.scanned_at)), results?.[0]?.clock_suspect],
      [Date.parse(OLD), true],
    )
  })
})
