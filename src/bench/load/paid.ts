import { setTimeout } from 'node:timers/promises'
import { jsonOf, type Line, openLine, requireAnswer } from './line.ts'
import type { PaidOrders } from './orders.ts'
import { postOf, sendingsOf } from './request.ts'
import { inClosedLoop, openTally, serveLoad } from './serve.ts'

/** Buyers that follow the answers: to the provider's page, and back until the order is complete. */
serveLoad(async (order: PaidOrders) => {
  const { users, seconds } = order
  const buyers = await Promise.all(Array.from({ length: users }, () => openBuyer(order)))
  try {
    const endMs = performance.now() + seconds * 1000
    const tally = openTally(endMs)
    const buy = async (at: number) => {
      await buyers[at]?.buy()
      return true
    }
    await inClosedLoop(users, endMs, buy, tally)
    return tally.load()
  } finally {
    for (const { close } of buyers) close()
  }
})

/** Short beside an order, and long beside what asking costs. */
const ASK_EVERY_MS = 50
const ISSUED_MS_MAX = 30_000

async function openBuyer({ url, providerUrl, key, checkout }: PaidOrders) {
  const [shop, provider] = await Promise.all([url, providerUrl].map(lineTo))
  if (shop === undefined || provider === undefined) throw new Error('a buyer without a connection')
  const next = sendingsOf(checkout)
  return {
    buy: async () => {
      const { sessionId, url: page } = jsonOf(await shop.ask(next()))
      const paying = postOf({ url: providerUrl, path: new URL(String(page)).pathname, key }, { card: CARD })
      requireAnswer(await provider.ask(Buffer.from(paying)), { status: 200, success: '"paid"' })
      const status = postOf({ url, path: '/functions/v1/checkout-session-status', key }, { sessionId })
      await untilComplete(shop, Buffer.from(status))
    },
    close: () => {
      shop.close()
      provider.close()
    },
  }
}

const CARD = '4242424242424242'

function lineTo(url: string): Promise<Line> {
  const { hostname, port } = new URL(url)
  return openLine(hostname, Number(port))
}

/** An order is complete once its tickets are issued, which is what the provider's webhook does. */
async function untilComplete(shop: Line, status: Buffer): Promise<void> {
  for (let waitedMs = 0; waitedMs < ISSUED_MS_MAX; waitedMs += ASK_EVERY_MS) {
    if (jsonOf(await shop.ask(status))['status'] === 'complete') return
    await setTimeout(ASK_EVERY_MS)
  }
  throw new Error(`an order was paid, and after ${ISSUED_MS_MAX / 1000} s it had no tickets`)
}
