import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { addStaff } from '../support/box-office.ts'
import { ANON, type Caller, refusalOf, rowsAs, SERVICE, signedIn, valueAs } from '../support/callers.ts'
import { bookedTable, claimedOffer, type Shown, soldTicket } from '../support/door.ts'
import { applyList, doublesOf, gateList, type Synced, truth } from '../support/gates.ts'
import { ago, outcomeOf } from '../support/offline.ts'
import { openQrGate, plain } from '../support/qr-gate.ts'
import { countedAt } from '../support/undoings.ts'

interface Undone {
  readonly success: boolean
  readonly error?: string
  readonly status?: string
  readonly replayed?: boolean
  readonly undone?: { readonly device_id: string | null }
  readonly counted?: { readonly device_id: string | null } | null
}

const { db, house, other, scan, logOf } = await openQrGate()
const door = signedIn(await addStaff(db, house.businessId, 'door'))
const colleague = signedIn(await addStaff(db, house.businessId, 'door'))
const manager = signedIn(await addStaff(db, house.businessId, 'manager'))
const owner = signedIn(await addStaff(db, house.businessId, 'owner'))

/** By the time of the scan that counts, where nothing else names the one that is meant. */
async function undo(
  id: string | null,
  caller: Caller = door,
  {
    kind = 'ticket' as string | null,
    reason = 'scanned at the wrong door' as string | null,
    scanId = null as string | null,
    deviceId = null as string | null,
    at = undefined as string | null | undefined,
  } = {},
): Promise<Undone> {
  const given = at === undefined && scanId === null ? await countedAt(db, id) : at
  return valueAs<Undone>(db.client, caller, 'select ticketing.undo_scan($1, $2, $3, $4, $5, $6)', [
    ...[kind, id, reason, scanId, deviceId, given],
  ])
}
const sync = (scans: readonly object[], caller: Caller = door) =>
  valueAs<Synced>(db.client, caller, 'select ticketing.sync_offline_scans($1, $2)', [
    JSON.stringify(scans),
    house.businessId,
  ])
const admitted = async (caller: Caller = door, more: object = {}): Promise<Shown> => {
  const shown = await soldTicket(db, house)
  await db.rows(`update tickets set created_at = now() - interval '1 day' where id = $1`, [shown.id])
  assert.equal((await scan({ ...plain(shown), ...more }, caller)).outcome, 'ADMITTED')
  return shown
}
const statusOf = (id: string) => db.value<string>('select status from tickets where id = $1', [id])
const doublesFor = async (id: string) =>
  (await doublesOf(db, house.eventId)).filter(({ ticket_id }) => ticket_id === id)

describe('undo_scan', () => {
  const kinds: readonly [string, () => Promise<Shown>, column: string, table: string, free: string][] = [
    ['ticket', () => soldTicket(db, house), 'ticket_id', 'tickets', 'valid'],
    ['claim', () => claimedOffer(db, house), 'claim_id', 'offer_claims', 'claimed'],
    ['booking', () => bookedTable(db, house, 0), 'reservation_id', 'reservations', 'confirmed'],
  ]
  for (const [kind, make, column, table, free] of kinds)
    it(`frees a ${kind}, keeps the scan and the undoing in the log, and it admits once more, once`, async () => {
      const shown = await make()
      const opening = { ...plain(shown), scan_id: 'opening' }
      assert.equal((await scan(opening, door)).outcome, 'ADMITTED')
      const answer = await undo(shown.id, door, { kind })
      assert.deepEqual(
        [answer.success, answer.status, answer.replayed, answer.undone?.device_id, answer.counted],
        [true, free, false, 'gate 1', null],
      )
      assert.equal(await db.value(`select status from ${table} where id = $1`, [shown.id]), free)
      const log = await db.rows(
        `select s.scan_success, s.error_code, s.scanned_by, s.reason, u.error_code as undoes from scan_logs s
           left join scan_logs u on u.id = s.undoes where s.${column} = $1 order by s.recorded_at, s.id`,
        [shown.id],
      )
      const by = { scanned_by: door.userId, scan_success: false }
      assert.deepEqual(log, [
        { ...by, error_code: 'UNDONE', reason: null, undoes: null },
        { ...by, error_code: 'UNDO', reason: 'scanned at the wrong door', undoes: 'UNDONE' },
      ])
      for (const outcome of ['ADMITTED', 'ALREADY_USED'])
        assert.equal((await scan(plain(shown), colleague)).outcome, outcome)
    })

  const refusals: readonly [string, Parameters<typeof undo>[2], string][] = [
    ['no kind', { kind: null }, 'INVALID_REQUEST'],
    ['a kind that there is not', { kind: 'order' }, 'INVALID_REQUEST'],
    ['no reason', { reason: null }, 'INVALID_REQUEST'],
    ['an empty reason', { reason: '' }, 'INVALID_REQUEST'],
    ['a reason of 501 characters', { reason: 'x'.repeat(501) }, 'INVALID_REQUEST'],
    ['an id of another kind', { kind: 'claim' }, 'NOT_FOUND'],
    ['no scan that is meant', { at: null }, 'INVALID_REQUEST'],
    ['a scan that there was not', { scanId: 'other' }, 'NOT_SCANNED'],
    ['a time at which there was none', { at: '2026-01-01' }, 'NOT_SCANNED'],
  ]
  for (const [what, more, error] of refusals)
    it(`refuses ${what}: ${error}, and nothing changes`, async () => {
      const { id } = await admitted()
      assert.equal((await undo(id, door, more)).error, error)
      assert.equal(await statusOf(id), 'used')
      assert.equal((await logOf('ticket_id', id)).length, 1)
    })
  it('refuses no id and one of nothing', async () => {
    assert.equal((await undo(null)).error, 'INVALID_REQUEST')
    assert.equal((await undo(randomUUID())).error, 'NOT_FOUND')
  })
  it('refuses what was not scanned, or was sent back meanwhile', async () => {
    assert.equal((await undo((await soldTicket(db, house)).id)).error, 'NOT_SCANNED')
    const { id } = await admitted()
    for (const status of ['refunding', 'refunded']) {
      await db.rows('update tickets set status = $2 where id = $1', [id, status])
      assert.equal((await undo(id)).error, 'INVALID_STATUS')
    }
  })

  const callers: readonly [string, Caller, string | undefined][] = [
    ['who scanned', door, undefined],
    ['a colleague at the door', colleague, 'FORBIDDEN'],
    ['a manager', manager, undefined],
    ['an owner', owner, undefined],
    ['the service', SERVICE, undefined],
    ['staff of another house', signedIn(other.staffId), 'NOT_FOUND'],
    ['a buyer', signedIn(randomUUID()), 'NOT_FOUND'],
    ['a token without a subject', { role: 'authenticated' }, 'NOT_FOUND'],
  ]
  for (const [who, caller, error] of callers)
    it(`by ${who}: ${error ?? 'is done'}`, async () => {
      const { id } = await admitted()
      assert.equal((await undo(id, caller)).error, error)
      assert.equal(await statusOf(id), error === undefined ? 'valid' : 'used')
    })
  it('is not for guests', async () => {
    assert.deepEqual(await refusalOf(undo(randomUUID(), ANON)), { code: '42501' })
  })

  it('holds for as long as the settings say, for managers too', async () => {
    const aged = async (minutes: number) => {
      const shown = await admitted()
      await db.rows(
        `update scan_logs set recorded_at = now() - make_interval(mins => $2) where ticket_id = $1`,
        [shown.id, minutes],
      )
      return shown.id
    }
    assert.equal((await undo(await aged(14))).success, true)
    for (const caller of [door, manager, SERVICE])
      assert.equal((await undo(await aged(16), caller)).error, 'UNDO_TOO_LATE')
    await db.rows(`update ticketing.settings set undo_window = '1 hour'`)
    assert.equal((await undo(await aged(16))).success, true)
    await db.rows(`update ticketing.settings set undo_window = default`)
  })

  it('with the scan id, sent again, is the same answer and undoes no later scan', async () => {
    const shown = await admitted(door, { scan_id: 'first' })
    const { replayed, ...first } = await undo(shown.id, door, { scanId: 'first' })
    assert.equal(replayed, false)
    assert.deepEqual(await undo(shown.id, door, { scanId: 'first' }), { ...first, replayed: true })
    await scan({ ...plain(shown), scan_id: 'second' }, door)
    assert.equal((await undo(shown.id, door, { scanId: 'first' })).replayed, true)
    assert.equal(await statusOf(shown.id), 'used')
  })

  for (const [kind, make, , table] of kinds)
    it(`a gate that sends the undone scan of a ${kind} again is told UNDONE, and a repeated undoing takes no later one`, async () => {
      const shown = await make()
      const first = { ...plain(shown), scan_id: 'first' }
      await scan(first, door)
      const byId = () => undo(shown.id, door, { kind, scanId: 'first' })
      const freed = (await byId()).status
      assert.equal((await scan(first, door)).outcome, 'UNDONE')
      assert.equal(await db.value(`select status from ${table} where id = $1`, [shown.id]), freed)
      assert.equal((await scan({ ...plain(shown), scan_id: 'second' }, door)).outcome, 'ADMITTED')
      assert.equal((await scan(first, door)).outcome, 'UNDONE')
      const again = await byId()
      assert.deepEqual([again.success, again.replayed, again.counted?.device_id], [true, true, 'gate 1'])
      assert.notEqual(await db.value(`select status from ${table} where id = $1`, [shown.id]), freed)
    })

  it('by its time, sent again, undoes no later scan', async () => {
    const shown = await admitted()
    const at = (await countedAt(db, shown.id)) ?? null
    assert.equal((await undo(shown.id, door, { at })).replayed, false)
    await scan(plain(shown), door)
    assert.equal((await undo(shown.id, door, { at })).replayed, true)
    assert.equal(await statusOf(shown.id), 'used')
  })

  it('of gates that count instead of drawing, the device says which', async () => {
    const shown = await admitted(door, { device_id: 'A', scan_id: '1' })
    await sync([{ ticket_id: shown.id, scanned_at: ago(-1), device_id: 'B', scan_id: '1' }])
    const one = (deviceId: string | null) => undo(shown.id, door, { scanId: '1', deviceId })
    assert.equal((await one(null)).error, 'INVALID_REQUEST')
    assert.deepEqual([(await one('A')).counted?.device_id, (await one('A')).replayed], ['B', true])
    assert.equal((await one(null)).replayed, true)
    assert.equal(await statusOf(shown.id), 'used')
    assert.deepEqual([(await one('B')).status, (await one('B')).replayed], ['valid', true])
  })

  it('a scan id that is too long to be kept names its scan all the same', async () => {
    const { id } = await admitted(door, { scan_id: 'x'.repeat(300) })
    assert.equal((await undo(id, door, { scanId: 'x'.repeat(300) })).success, true)
  })

  it('a gate keeps up: its list has the ticket as valid again', async () => {
    const { id } = await admitted()
    const kept = new Map<string, string>()
    const list = await gateList(db.client, house.eventId)
    applyList(kept, list)
    await undo(id)
    const changes = await gateList(db.client, house.eventId, list.cursor)
    assert.equal(changes.full, false)
    applyList(kept, changes)
    assert.deepEqual(kept, await truth(db, house.eventId))
  })

  it('a ticket that was undone can be refunded as one that was never scanned', async () => {
    const { id } = await admitted()
    await undo(id)
    await db.rows(`update tickets set status = 'refunding' where id = $1`, [id])
    await db.rows('select ticketing.give_back_tickets(array[$1::uuid])', [id])
    assert.equal(await statusOf(id), 'valid')
  })
})

describe('undone scans and gates without network', () => {
  const entry = (id: string, scanned_at: string, device_id: string, scan_id?: string) => ({
    ticket_id: id,
    scanned_at,
    device_id,
    scan_id,
  })

  for (const [when, offMs] of [
    ['before', 60_000],
    ['after', -1],
  ] as const)
    it(`an entry at another gate from ${when} the undone scan is the one that counts, and no double`, async () => {
      const { id } = await admitted()
      await undo(id)
      const [result] = (await sync([entry(id, ago(offMs), 'offline')])).results ?? []
      assert.deepEqual([result?.success, result?.conflict_resolved], [true, false])
      assert.deepEqual(await doublesFor(id), [])
    })

  it('an entry that had lost to the undone scan counts from then on', async () => {
    const { id } = await admitted()
    await sync([entry(id, ago(-1), 'late'), entry(id, ago(-2), 'later')])
    assert.equal((await doublesFor(id)).length, 2)
    const answer = await undo(id)
    assert.deepEqual([answer.status, answer.counted?.device_id], ['used', 'late'])
    assert.deepEqual(
      (await doublesFor(id)).map(({ counted, other: beside }) => [counted?.device_id, beside.device_id]),
      [
        ['late', 'gate 1'],
        ['late', 'later'],
      ],
    )
  })

  it('the online scan that an undone entry had beaten counts again', async () => {
    const { id } = await admitted()
    await sync([entry(id, ago(60_000), 'offline', 'entry')])
    assert.equal((await undo(id, door, { scanId: 'entry' })).counted?.device_id, 'gate 1')
    assert.deepEqual(
      (await doublesFor(id)).map(({ counted, other: beside }) => [counted?.device_id, beside.device_id]),
      [['gate 1', 'offline']],
    )
  })

  it('an entry that was undone is told again and opens nothing: UNDONE, and one row', async () => {
    const { id } = await soldTicket(db, house)
    for (const told of [entry(id, ago(0), 'd', 'named'), entry(id, ago(1), 'without an id')]) {
      assert.deepEqual((await sync([told])).results?.map(outcomeOf), ['admitted'])
      await undo(id)
      for (let time = 0; time < 2; time++)
        assert.deepEqual((await sync([told])).results?.map(outcomeOf), ['UNDONE'])
      assert.equal(await statusOf(id), 'valid')
    }
    assert.equal((await logOf('ticket_id', id)).length, 4)
    assert.deepEqual(await doublesFor(id), [])
  })

  it('an online scan that was undone and is told once more as an entry is that scan', async () => {
    const { id } = await admitted(door, { scan_id: 'opening' })
    await undo(id)
    const told = [entry(id, ago(0), 'gate 1', 'opening')]
    assert.deepEqual((await sync(told)).results?.map(outcomeOf), ['UNDONE'])
    assert.equal(await statusOf(id), 'valid')
  })

  it('an entry without id and time comes after an undone one of its gate: it is another, and counts', async () => {
    const { id } = await soldTicket(db, house)
    const told = [{ ticket_id: id, device_id: 'plain' }]
    assert.deepEqual((await sync(told)).results?.map(outcomeOf), ['admitted'])
    await undo(id)
    for (let time = 0; time < 2; time++)
      assert.deepEqual((await sync(told)).results?.map(outcomeOf), ['admitted'])
    assert.equal((await logOf('ticket_id', id)).length, 3)
    assert.equal(await statusOf(id), 'used')
  })

  it('an entry too many that is undone stays reported, with who undid it and why', async () => {
    const { id } = await admitted()
    await sync([entry(id, ago(-1), 'd', 'mistake')])
    assert.equal((await doublesFor(id)).length, 1)
    const answer = await undo(id, door, { scanId: 'mistake' })
    assert.deepEqual([answer.status, answer.counted?.device_id], ['used', 'gate 1'])
    const [row] = await doublesFor(id)
    const other: Readonly<Record<string, unknown>> = { ...row?.other }
    assert.deepEqual(
      [row?.counted?.device_id, other['error_code'], other['undone_by'], other['reason']],
      ['gate 1', 'UNDONE', door.userId, 'scanned at the wrong door'],
    )
  })
})

describe('what stands in the log of an undoing', () => {
  it('is not changed by anybody', async () => {
    const { id } = await admitted()
    await undo(id)
    for (const change of [`reason = 'another'`, 'undoes = null, reason = null', 'scanned_by = null'])
      assert.deepEqual(
        await refusalOf(
          db.rows(`update scan_logs set ${change} where ticket_id = $1 and error_code = 'UNDO'`, [id]),
        ),
        { code: '23514', by: 'trg_refuse_undo_change' },
      )
    const again = `insert into scan_logs (ticket_id, scan_method, scan_success, scanned_at, undoes, reason)
      select ticket_id, 'undo', false, now(), undoes, 'twice' from scan_logs where ticket_id = $1 and error_code = 'UNDO'`
    assert.deepEqual(await refusalOf(db.rows(again, [id])), { code: '23505', by: 'uniq_undo' })
  })

  const parties: readonly [string, () => Promise<Shown>, back: string, by: string][] = [
    [
      'claim',
      () => claimedOffer(db, house),
      `update offer_claims set status = 'claimed', redeemed_at = null`,
      'trg_claim_legal_change',
    ],
    [
      'booking',
      () => bookedTable(db, house, 0),
      `update reservations set status = 'confirmed', checked_in_at = null`,
      'trg_reservation_legal_change',
    ],
  ]
  for (const [kind, make, back, by] of parties)
    it(`a ${kind} is not taken back without one, nor by an earlier one`, async () => {
      const shown = await make()
      for (let time = 0; time < 2; time++) {
        await scan(plain(shown), door)
        assert.deepEqual(await refusalOf(db.rows(`${back} where id = $1`, [shown.id])), { code: '23514', by })
        if (time === 0) await undo(shown.id, door, { kind })
      }
    })

  it('is seen by the house and by nobody else', async () => {
    const seen = async (caller: Caller) =>
      (await rowsAs(db.client, caller, `select reason from scan_logs where error_code = 'UNDO'`)).length
    assert.ok((await seen(colleague)) > 10)
    assert.equal(await seen(signedIn(other.staffId)), 0)
  })
})
