import assert from 'node:assert/strict'
import process from 'node:process'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import pg from 'pg'
import { DatabaseError } from '../../src/db/failures.ts'
import { type Gather, openGather } from '../../src/desk/gather.ts'

const SEED = Number(process.env['SEED'] ?? 20_261_130)
const weightOf = (id: string) => (id.endsWith('3') ? 2 : id.endsWith('7') ? 5 : 1)
const LIMITS = { batchMax: 3, weightOf, perKeyMax: 7, waitMsMax: 10 }

type Key = 'a' | 'b'
type Step =
  | { readonly does: 'ask'; readonly key: Key }
  | { readonly does: 'answer' | 'fail' | 'cut short' | 'raise'; readonly key: Key }
  | { readonly does: 'wait'; readonly ms: number }

const key = fc.constantFrom<Key>('a', 'b')
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ does: fc.constant('ask' as const), key }) },
    {
      weight: 3,
      arbitrary: fc.record({ does: fc.constantFrom('answer' as const, 'fail', 'cut short', 'raise'), key }),
    },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('wait' as const), ms: fc.nat(12) }) },
  ),
  { maxLength: 60, size: 'max' },
)

/** What is away, by key, as the real thing sent it, and how each request ended. */
interface Seen {
  readonly sent: string[]
  readonly ended: string[]
}

type Opened = Pick<ReturnType<typeof openReal>, 'gather' | 'away'>

/** The real gathering, its time, and its batches in our hands. */
function openReal(open: typeof openGather, now: { ms: number }) {
  const seen: Seen = { sent: [], ended: [] }
  const away = new Map<string, { readonly batch: readonly string[]; end(outcome: Step['does']): void }>()
  const send = (batch: readonly string[]) => {
    const name = batch[0]?.[0] ?? ''
    seen.sent.push(away.has(name) ? `${batch} beside another` : `${batch}`)
    const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
    away.set(name, {
      batch,
      end: (outcome) => {
        away.delete(name)
        if (outcome === 'fail') reject(new Error(`failed with ${batch}`))
        else if (outcome === 'raise') reject(new pg.DatabaseError('a statement raised it', 0, 'error'))
        else resolve(batch.map((one) => one.toUpperCase()).slice(outcome === 'cut short' ? 1 : 0))
      },
    })
    return promise
  }
  const gather: Gather<string>['ask'] = open(send, LIMITS, () => now.ms).ask
  return { seen, away, gather }
}

/** The same, as it is meant: a list a key, and nothing that happens at its own time. */
function openModel(now: { ms: number }) {
  const seen: Seen = { sent: [], ended: [] }
  const queues = new Map<Key, { away: string[]; waiting: { id: string; sinceMs: number }[] }>()
  const of = (name: Key) => {
    const known = queues.get(name) ?? { away: [], waiting: [] }
    queues.set(name, known)
    return known
  }
  const sendNext = (queue: ReturnType<typeof of>) => {
    while (queue.away.length === 0 && queue.waiting.length > 0) {
      const room = queue.waiting.map((_, i) =>
        queue.waiting.slice(0, i + 1).reduce((sum, { id }) => sum + weightOf(id), 0),
      )
      const many = Math.max(1, room.filter((weight) => weight <= LIMITS.batchMax).length)
      for (const { id, sinceMs } of queue.waiting.splice(0, many)) {
        if (now.ms - sinceMs > LIMITS.waitMsMax) seen.ended.push(`${id}: POOL_EXHAUSTED`)
        else queue.away.push(id)
      }
      if (queue.away.length > 0) seen.sent.push(`${queue.away}`)
    }
  }
  return {
    seen,
    ask: (name: Key, id: string) => {
      const queue = of(name)
      if (queue.waiting.length + queue.away.length < LIMITS.perKeyMax)
        queue.waiting.push({ id, sinceMs: now.ms })
      else seen.ended.push(`${id}: POOL_EXHAUSTED`)
      sendNext(queue)
    },
    end: (name: Key, outcome: Step['does']) => {
      const queue = of(name)
      const { away } = queue
      queue.away = []
      for (const id of away) {
        if (outcome === 'answer') seen.ended.push(`${id}: ${id.toUpperCase()}`)
        else if (outcome === 'fail') seen.ended.push(`${id}: failed with ${away}`)
        else if (outcome === 'raise') seen.ended.push(`${id}: null`)
        else
          seen.ended.push(
            `${id}: ${away.length} requests were sent together, and ${away.length - 1} answered`,
          )
      }
      sendNext(queue)
    },
    isAway: (name: Key) => of(name).away.length > 0,
  }
}

/** Takes both through the same steps; what was sent, and how each ended, are equal after each. */
async function compare(open: typeof openGather, told: readonly Step[]): Promise<void> {
  const now = { ms: 0 }
  const real = openReal(open, now)
  const model = openModel(now)
  for (const [i, step] of told.entries()) {
    if (step.does === 'wait') now.ms += step.ms
    else if (step.does === 'ask') {
      const id = `${step.key}${i}`
      watch(real, step.key, id)
      model.ask(step.key, id)
    } else if (model.isAway(step.key)) {
      model.end(step.key, step.does)
      real.away.get(step.key)?.end(step.does)
    }
    await setImmediate()
    assert.deepEqual(
      { sent: real.seen.sent, ended: real.seen.ended.toSorted() },
      { sent: model.seen.sent, ended: model.seen.ended.toSorted() },
    )
  }
}

function watch({ gather, seen }: Opened & { readonly seen: Seen }, name: Key, id: string): void {
  gather(name, id).then(
    (answer) => seen.ended.push(`${id}: ${answer}`),
    (error: Error) =>
      seen.ended.push(`${id}: ${error instanceof DatabaseError ? error.code : error.message}`),
  )
}

const check = (open: typeof openGather) =>
  fc.check(
    fc.asyncProperty(steps, (told) => compare(open, told)),
    { numRuns: 300, seed: SEED },
  )

describe('gathering', () => {
  it('sends, answers, fails and refuses as a list a key does, whatever comes when', async () => {
    const told = await check(openGather)
    assert.equal(told.failed, false, fc.defaultReportMessage(told) ?? '')
  })

  const broken: readonly [string, typeof openGather][] = [
    [
      'one queue for all keys',
      (send, limits, now) => {
        const gather = openGather(send, limits, now)
        return { ...gather, ask: (_key, request) => gather.ask('all', request) }
      },
    ],
    [
      'no batch of its own',
      (send, limits, now) => ({
        ...openGather(send, limits, now),
        ask: async (_key, request) => {
          const [answer] = await send([request])
          return answer as never
        },
      }),
    ],
    ['no bound', (send, limits, now) => openGather(send, { ...limits, perKeyMax: 1_000 }, now)],
    ['no deadline', (send, limits, now) => openGather(send, { ...limits, waitMsMax: 1_000 }, now)],
    [
      'a weight of one for all',
      (send, limits, now) => openGather(send, { ...limits, weightOf: () => 1 }, now),
    ],
    ['batches of any size', (send, limits, now) => openGather(send, { ...limits, batchMax: 1_000 }, now)],
    [
      'an error of SQL that is everybody’s',
      (send, limits, now) =>
        openGather(
          (batch) => send(batch).catch((error: Error) => Promise.reject(new Error(error.message))),
          limits,
          now,
        ),
    ],
    [
      'the last first',
      (send, limits, now) =>
        openGather(async (batch) => (await send(batch.toReversed())).toReversed(), limits, now),
    ],
  ]
  for (const [what, open] of broken)
    it(`is compared with a list that sees ${what}`, async () => {
      assert.equal((await check(open)).failed, true)
    })
})
