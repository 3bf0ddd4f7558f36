import { openLine, requireAnswer } from './line.ts'
import type { HttpLoad } from './orders.ts'
import { sendingsOf } from './request.ts'
import { inClosedLoop, inOpenLoop, openTally, serveLoad } from './serve.ts'

serveLoad(async ({ host, port, requests, users, seconds, perSecond, isOnce, ...expected }: HttpLoad) => {
  const sendings = requests.map(sendingsOf)
  const lines = await Promise.all(Array.from({ length: users }, () => openLine(host, port)))
  let sent = 0
  const ask = async (user: number) => {
    if (isOnce === true && sent === sendings.length) return false
    const [line, next] = [lines[user], sendings[sent++ % sendings.length]]
    if (line === undefined || next === undefined) throw new Error('a user without a connection or a request')
    requireAnswer(await line.ask(next()), expected)
    return true
  }
  try {
    const startMs = performance.now()
    const endMs = startMs + seconds * 1000
    const tally = openTally(endMs)
    if (perSecond === undefined) await inClosedLoop(users, endMs, ask, tally)
    else await inOpenLoop({ count: users, rate: perSecond, startMs, endMs }, ask, tally)
    const tookMs = performance.now() - startMs
    return { ...tally.load(), ...(isOnce === true ? { seconds: Math.min(seconds, tookMs / 1000) } : {}) }
  } finally {
    for (const { close } of lines) close()
  }
})
