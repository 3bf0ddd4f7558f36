import { Agent, request } from 'node:http'
import type { Hold } from './viewers.ts'

export interface Sale {
  readonly url: string
  readonly key: string
  readonly tiers: readonly string[]
  /** Signed in; they make every tenth hold. */
  readonly buyers: readonly { readonly user: string; readonly token: string }[]
  readonly perSecond: number
  readonly ms: number
}

export interface Sold {
  readonly holds: readonly Hold[]
  /** By how much the generator was late with a request, at most. */
  readonly lateMsMax: number
  readonly answerMs: readonly number[]
  readonly cpu: number
}

const CONNECTIONS_MAX = 256
const SIGNED_IN_EVERY = 10
const TICK_MS = 2

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX })
let made = 0

process.on('message', (sale: Sale) => void sell(sale).then((sold) => process.send?.(sold)))

/** Open loop: a hold is asked for when its time has come, whatever became of those before it. */
async function sell(sale: Sale): Promise<Sold> {
  const usage = process.cpuUsage()
  const startMs = performance.now()
  const asked: Promise<Hold>[] = []
  const answerMs: number[] = []
  let lateMsMax = 0
  const count = (sale.perSecond * sale.ms) / 1000
  while (asked.length < count) {
    const dueMs = startMs + (asked.length / sale.perSecond) * 1000
    const lateMs = performance.now() - dueMs
    if (lateMs < 0) {
      await new Promise((next) => setTimeout(next, TICK_MS))
      continue
    }
    lateMsMax = Math.max(lateMsMax, lateMs)
    asked.push(hold(sale, made++, answerMs))
  }
  const holds = await Promise.all(asked)
  const { user, system } = process.cpuUsage(usage)
  return { holds, lateMsMax, answerMs, cpu: (user + system) / 1000 / (performance.now() - startMs) }
}

function hold({ url, key, tiers, buyers }: Sale, n: number, answerMs: number[]): Promise<Hold> {
  const tier = tiers[n % tiers.length] ?? ''
  const buyer = n % SIGNED_IN_EVERY === 0 ? buyers[(n / SIGNED_IN_EVERY) % buyers.length] : undefined
  const body = JSON.stringify({ p_tier_id: tier, p_quantity: 1 })
  const headers = {
    apikey: key,
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    ...(buyer === undefined ? {} : { Authorization: `Bearer ${buyer.token}` }),
  }
  const askedMs = performance.now()
  return new Promise((resolve, reject) => {
    const path = `${url}/rest/v1/rpc/reserve_tickets_atomically`
    const asking = request(path, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('end', () => {
        const answeredMs = Number(process.hrtime.bigint()) / 1e6
        answerMs.push(performance.now() - askedMs)
        const answer = JSON.parse(text) as { success?: boolean; hold_id: string; remaining: number }
        if (answer.success !== true) reject(new Error(`a hold was refused: ${text}`))
        resolve({ id: answer.hold_id, tier, left: answer.remaining, user: buyer?.user, answeredMs })
      })
    })
    asking.once('error', reject)
    asking.end(body)
  })
}
