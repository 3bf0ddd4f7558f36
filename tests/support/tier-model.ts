import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { addTier } from './box-office.ts'
import { type Answer, ask, codeOf, guestOrder, reserveBatch } from './buying.ts'
import type { TestDatabase } from './database.ts'

/** What a tier ought to be, as simply as it can be said. */
interface Model {
  total: number
  /** Places held by each session that has any; those of `due` are there for whoever asks. */
  readonly held: Map<string, number>
  readonly due: Set<string>
  readonly tickets: boolean[]
}

/** The same tier in PostgreSQL. */
interface Real {
  readonly db: TestDatabase
  readonly eventId: string
  readonly tierId: string
  readonly staffId: string
  /** Sessions are of one tier, and tickets in the order in which they were sold. */
  readonly session: (name: string) => string
  readonly tickets: string[]
}

type Command = fc.AsyncCommand<Model, Real>

const PLACES = 4
const SESSIONS = ['ada', 'bob', 'eve'] as const

/** Random sequences of verbs, the shortest first where one is wrong. */
export function commands(): fc.Arbitrary<Iterable<Command>> {
  const session = fc.constantFrom(...SESSIONS)
  const quantity = fc.integer({ min: 1, max: PLACES })
  return fc.commands([
    fc.tuple(session, quantity).map(([who, wanted]) => reserve(who, wanted)),
    session.map(release),
    fc.tuple(session, quantity).map(([who, left]) => leave(who, left)),
    session.map(buyHeld),
    quantity.map(buy),
    fc.nat({ max: PLACES }).map(scan),
    fc.integer({ min: 1, max: 2 * PLACES }).map(resize),
  ])
}

/** Runs one sequence on a tier of its own. */
export async function runOnTier(
  { db, eventId, staffId }: Pick<Real, 'db' | 'eventId' | 'staffId'>,
  sequence: Iterable<Command>,
): Promise<void> {
  const tierId = await addTier(db, eventId, { total: PLACES })
  const run = randomUUID()
  const real: Real = { db, eventId, staffId, tierId, tickets: [], session: (name) => `${run}-${name}` }
  const model: Model = { total: PLACES, held: new Map(), due: new Set(), tickets: [] }
  await fc.asyncModelRun(async () => ({ model, real }), sequence)
}

/** After each command the counters are what the model says. */
function command(
  name: string,
  run: (model: Model, real: Real) => Promise<void>,
  check: (model: Readonly<Model>) => boolean = () => true,
): Command {
  return {
    toString: () => name,
    check,
    run: async (model, real) => {
      await run(model, real)
      const [tier] = await real.db.rows(
        'select total_quantity as total, sold_quantity as sold, reserved_quantity as held from ticket_tiers where id = $1',
        [real.tierId],
      )
      assert.deepEqual(tier, { total: model.total, sold: model.tickets.length, held: heldIn(model) })
    },
  }
}

function heldIn({ held }: Readonly<Model>): number {
  return [...held.values()].reduce((sum, quantity) => sum + quantity, 0)
}

function freeIn(model: Readonly<Model>): number {
  return model.total - model.tickets.length - heldIn(model)
}

/** Whoever finds too few expires what is due. */
function take(model: Model, wanted: number): string {
  if (freeIn(model) < wanted) {
    for (const session of model.due) model.held.delete(session)
    model.due.clear()
  }
  return freeIn(model) < wanted ? 'INSUFFICIENT_TICKETS' : 'success'
}

/** What is due of one's own ends first. */
function endDue(model: Model, session: string): void {
  if (model.due.delete(session)) model.held.delete(session)
}

function reserve(session: string, quantity: number): Command {
  return command(`reserve(${session}, ${quantity})`, async (model, { db, tierId, session: idOf }) => {
    const answer = await reserveBatch(db.client, [tierId], quantity, idOf(session))
    endDue(model, session)
    const expected = take(model, quantity)
    assert.equal(codeOf(answer), expected)
    if (expected === 'success') model.held.set(session, (model.held.get(session) ?? 0) + quantity)
  })
}

function release(session: string): Command {
  return command(`release(${session})`, async (model, { db, session: idOf }) => {
    await ask(db.client, 'select release_ticket_holds($1)', [idOf(session)])
    model.held.delete(session)
    model.due.delete(session)
  })
}

/** A cart whose time is over, and which nobody has ended. */
function leave(session: string, quantity: number): Command {
  return command(
    `leave(${session}, ${quantity})`,
    async (model, { db, eventId, tierId, session: idOf }) => {
      await db.rows(
        `insert into ticket_holds (event_id, tier_id, session_id, quantity, expires_at)
         values ($1, $2, $3, $4, now() - interval '1 minute')`,
        [eventId, tierId, idOf(session), quantity],
      )
      model.held.set(session, quantity)
      model.due.add(session)
    },
    (model) => !model.held.has(session) && freeIn(model) >= quantity,
  )
}

function buyHeld(session: string): Command {
  return command(
    `buyHeld(${session})`,
    async (model, real) => {
      const quantity = model.held.get(session) ?? 0
      assert.equal(await order(real, quantity, { session_id: real.session(session) }), 'success')
      model.held.delete(session)
      for (let n = 0; n < quantity; n++) model.tickets.push(false)
    },
    ({ held, due }) => held.has(session) && !due.has(session),
  )
}

function buy(quantity: number): Command {
  return command(`buy(${quantity})`, async (model, real) => {
    const code = await order(real, quantity)
    const expected = take(model, quantity)
    assert.equal(code, expected)
    if (expected === 'success') for (let n = 0; n < quantity; n++) model.tickets.push(false)
  })
}

async function order(real: Real, quantity: number, more: object = {}): Promise<string> {
  const { db, eventId, tierId, tickets } = real
  const request = { ...JSON.parse(guestOrder(eventId, tierId, quantity)), ...more }
  const answer = await ask(db.client, 'select ticketing.checkout($1)', [JSON.stringify(request)])
  const { order_id: id = null } = answer
  const sold = await db.rows<{ id: string }>('select id from tickets where order_id = $1 order by id', [id])
  tickets.push(...sold.map((ticket) => ticket.id))
  return codeOf(answer)
}

function scan(at: number): Command {
  return command(
    `scan(${at})`,
    async (model, { db, tickets, staffId }) => {
      const [row] = await db.rows<Answer & { already_scanned: boolean }>(
        'select success, already_scanned from scan_ticket_atomic($1, $2)',
        [tickets[at], staffId],
      )
      assert.deepEqual(row, {
        success: model.tickets[at] !== true,
        already_scanned: model.tickets[at] === true,
      })
      model.tickets[at] = true
    },
    ({ tickets }) => at < tickets.length,
  )
}

/** A tier never shrinks below what is sold and held. */
function resize(total: number): Command {
  return command(`resize(${total})`, async (model, { db, tierId }) => {
    const isDone = await db
      .rows('update ticket_tiers set total_quantity = $2 where id = $1', [tierId, total])
      .then(
        () => true,
        () => false,
      )
    assert.equal(isDone, total >= model.tickets.length + heldIn(model))
    if (isDone) model.total = total
  })
}
