import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { ANON, type Caller, refusalOf, rowsAs, SERVICE } from '../support/callers.ts'
import { sync } from '../support/gates.ts'
import { ago, openOfflineGate, outcomeOf, UNKNOWN } from '../support/offline.ts'

const { db, house, other, staff, stranger, buyer, ticket, syncAs } = await openOfflineGate()

describe('who may hand in scans', () => {
  const bad: readonly [string, unknown][] = [
    ['nothing', null],
    ['no list', {}],
    ['an empty list', []],
    ['more than 500', Array.from({ length: 501 }, () => ({ ticket_id: UNKNOWN, scanned_at: ago(0) }))],
  ]
  for (const [what, scans] of bad)
    it(`refuses ${what}`, async () => {
      const answer = await syncAs(staff, scans)
      assert.deepEqual([answer.success, answer.error], [false, 'INVALID_REQUEST'])
    })

  const callers: readonly [string, Caller, string | null, string][] = [
    ['staff names its business', staff, house.businessId, 'admitted'],
    ['staff names none', staff, null, 'admitted'],
    ['staff names another', staff, other.businessId, 'FORBIDDEN'],
    ['staff of another house names ours', stranger, house.businessId, 'FORBIDDEN'],
    ['staff of another house names its own', stranger, other.businessId, 'NOT_FOUND'],
    ['a buyer names ours', buyer, house.businessId, 'FORBIDDEN'],
    ['a buyer names none', buyer, null, 'FORBIDDEN'],
    ['the service names ours', SERVICE, house.businessId, 'admitted'],
    ['the service names another', SERVICE, other.businessId, 'NOT_FOUND'],
    ['the service names one that there is not', SERVICE, randomUUID(), 'INVALID_REQUEST'],
  ]
  for (const [what, caller, businessId, expected] of callers)
    it(`${what}: ${expected}`, async () => {
      const id = await ticket()
      const answer = await syncAs(caller, [{ ticket_id: id, scanned_at: ago(0) }], businessId)
      const result = answer.results?.[0]
      assert.equal(result === undefined ? answer.error : outcomeOf(result), expected)
      const rows = await db.value('select count(*)::int from scan_logs where ticket_id = $1', [id])
      assert.equal(rows, expected === 'admitted' ? 1 : 0)
    })

  it('is not for guests, nor are the list and the report', async () => {
    for (const call of [`sync_offline_scans('[]')`, `gate_list('x')`, `double_admissions(gen_random_uuid())`])
      assert.deepEqual(await refusalOf(rowsAs(db.client, ANON, `select ticketing.${call}`)), {
        code: '42501',
      })
  })

  it('a busy ticket: nothing is recorded, and the gate is told to send it again', async () => {
    const [held, free] = [await ticket(), await ticket()]
    const holder = await db.connect()
    await holder.query('begin')
    await holder.query('select from tickets where id = $1 for update', [held])
    const impatient = await db.connect()
    await impatient.query(`set statement_timeout = '500ms'`)
    const scans = [held, free].map((ticket_id) => ({ ticket_id, scanned_at: ago(0) }))
    assert.equal((await sync(impatient, scans)).error, 'LOCK_TIMEOUT')
    await holder.query('rollback')
    assert.deepEqual((await sync(impatient, scans)).results?.map(outcomeOf), ['admitted', 'admitted'])
  })
})
