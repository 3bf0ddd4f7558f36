import { WebSocket } from 'ws'

/** One socket with one channel, and what it must hear of. */
export interface Viewer {
  readonly topic: string
  /** The opaque key that opens the socket. */
  readonly key: string
  /** Who is signed in; nobody where it is left out. */
  readonly token?: string
  readonly user?: string
  readonly bindings: readonly object[]
  /** The tiers whose changes are for it. */
  readonly tiers: readonly string[]
}

/** A hold that was answered: its tier then had `left` tickets. */
export interface Hold {
  readonly id: string
  readonly tier: string
  readonly left: number
  readonly user: string | undefined
  /** Monotonic clock of the machine, in ms. */
  readonly answeredMs: number
}

export type Order =
  | { readonly kind: 'open'; readonly url: string; readonly viewers: readonly Viewer[] }
  | { readonly kind: 'judge'; readonly holds: readonly Hold[] }
  | { readonly kind: 'close' }

export interface Judged {
  /** Changes that each viewer had to hear of, and did once. */
  readonly heard: number
  readonly missing: number
  readonly twice: number
  readonly strange: number
  /** From the answer to whoever made the hold, and from the commit by PostgreSQL's clock, until a viewer had it. */
  readonly fromAnswerMs: readonly number[]
  readonly fromCommitMs: readonly number[]
  /** Of one core. */
  readonly cpu: number
}

interface Arrival {
  readonly atMs: number
  readonly fromCommitMs: number
}

interface Watching extends Viewer {
  readonly arrivals: Map<string, Arrival>
  readonly socket: WebSocket
}

const OPEN_AT_ONCE = 50
const DRAIN_MS_MAX = 10_000
const HEARTBEAT_MS = 25_000

const watching: Watching[] = []
let twice = 0
let arrived = 0
let usage = process.cpuUsage()
let sinceMs = performance.now()

process.on('message', (order: Order) => void obey(order).then((answer) => process.send?.(answer)))

async function obey(order: Order): Promise<object> {
  switch (order.kind) {
    case 'open':
      for (let at = 0; at < order.viewers.length; at += OPEN_AT_ONCE)
        await Promise.all(order.viewers.slice(at, at + OPEN_AT_ONCE).map((viewer) => open(order.url, viewer)))
      startOver()
      return {}
    case 'judge':
      return judge(order.holds)
    case 'close':
      for (const { socket } of watching) socket.close()
      return {}
  }
}

/** Fulfilled when the channel says that it misses nothing any more. */
function open(url: string, viewer: Viewer): Promise<void> {
  const socket = new WebSocket(
    `${url.replace('http', 'ws')}/realtime/v1/websocket?apikey=${viewer.key}&vsn=1.0.0`,
  )
  const arrivals = new Map<string, Arrival>()
  watching.push({ ...viewer, arrivals, socket })
  const send = (topic: string, event: string, payload: object) =>
    socket.send(JSON.stringify({ topic, event, payload, ref: '1', join_ref: '1' }))
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', (code, reason) => reject(new Error(`closed: ${code} ${String(reason)}`)))
    socket.once('open', () => {
      const config = { postgres_changes: viewer.bindings }
      send(viewer.topic, 'phx_join', { config, access_token: viewer.token ?? viewer.key })
      setInterval(() => send('phoenix', 'heartbeat', {}), HEARTBEAT_MS).unref()
    })
    socket.on('message', (data) => {
      const nowMs = monotonicMs()
      const { event, payload } = JSON.parse(String(data)) as { event: string; payload: Payload }
      if (event === 'postgres_changes' && payload.data) note(arrivals, payload.data, nowMs)
      else if (event === 'system' && payload.status === 'ok') resolve()
      else if (payload.status === 'error') reject(new Error(JSON.stringify(payload)))
    })
  })
}

interface Payload {
  readonly status?: string
  readonly data?: Change
}

interface Change {
  readonly table: string
  readonly commit_timestamp: string
  readonly record: {
    readonly id: string
    readonly total_quantity: number
    readonly reserved_quantity: number
  }
}

function note(
  arrivals: Map<string, Arrival>,
  { table, record, commit_timestamp }: Change,
  atMs: number,
): void {
  const left = record.total_quantity - record.reserved_quantity
  const key = table === 'ticket_tiers' ? `${record.id} ${left}` : record.id
  if (arrivals.has(key)) twice++
  arrived++
  const fromCommitMs = performance.timeOrigin + performance.now() - Date.parse(commit_timestamp)
  arrivals.set(key, { atMs, fromCommitMs })
}

/** Every hold, once, at each viewer whom it concerns, and nothing else. */
async function judge(holds: readonly Hold[]): Promise<Judged> {
  const wanted = watching.map((viewer) => {
    const tiers = new Set(viewer.tiers)
    const keys = new Map<string, number>()
    for (const { id, tier, left, user, answeredMs } of holds) {
      if (tiers.has(tier)) keys.set(`${tier} ${left}`, answeredMs)
      if (user !== undefined && user === viewer.user) keys.set(id, answeredMs)
    }
    return keys
  })
  const expected = wanted.reduce((sum, keys) => sum + keys.size, 0)
  const endMs = performance.now() + DRAIN_MS_MAX
  while (arrived < expected && performance.now() < endMs) await new Promise((next) => setTimeout(next, 20))
  const fromAnswerMs: number[] = []
  const fromCommitMs: number[] = []
  let missing = 0
  for (const [at, keys] of wanted.entries()) {
    for (const [key, answeredMs] of keys) {
      const arrival = watching[at]?.arrivals.get(key)
      if (arrival === undefined) missing++
      else {
        fromAnswerMs.push(arrival.atMs - answeredMs)
        fromCommitMs.push(arrival.fromCommitMs)
      }
    }
  }
  const heard = fromAnswerMs.length
  const judged = { heard, missing, twice, strange: arrived - twice - heard, fromAnswerMs, fromCommitMs }
  return { ...judged, cpu: startOver() }
}

/** Forgets what arrived, and gives the share of a core since the last time. */
function startOver(): number {
  const { user, system } = process.cpuUsage(usage)
  const cpu = (user + system) / 1000 / (performance.now() - sinceMs)
  usage = process.cpuUsage()
  sinceMs = performance.now()
  for (const { arrivals } of watching) arrivals.clear()
  twice = 0
  arrived = 0
  return cpu
}

/** One clock for all processes of the machine. */
function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
