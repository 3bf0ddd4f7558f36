import process from 'node:process'
import { readConfig } from '../config.ts'
import { openLog } from '../core/log.ts'
import { openClosing } from './closing.ts'
import { COULD_NOT_RUN, explain } from './failure.ts'
import { joinPayments } from './payments.ts'
import { openServing } from './serving.ts'
import { shareOf } from './share.ts'
import { joinSiblings } from './siblings.ts'
import type { FromWorker, ToWorker, WorkerOrder } from './worker-messages.ts'

/**
 * One of the processes of `start --workers`. It serves until it is told to stop; where the one that started it is gone, killed
 * included, node:cluster ends it at once.
 */
const ordered = Promise.withResolvers<WorkerOrder>()
const siblings = Promise.withResolvers<ReturnType<typeof joinSiblings>>()
const closing = openClosing()
let isOrdered = false

// Ctrl-C reaches every process of a terminal, SIGTERM every process of a service: the one that started us says when.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {})
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

process.on('message', (message: ToWorker) => {
  if (message.is === 'order') {
    isOrdered = true
    ordered.resolve(message.order)
  } else if (message.is === 'stop') void stop()
  else void siblings.promise.then((it) => it.hear(message))
})
say({ is: 'here' })

const opening = ordered.promise.then(open)
await opening.catch((error: unknown) => fail(explain(error)))

async function open(order: WorkerOrder): Promise<void> {
  const all = readConfig({ PORT: String(order.port), WORKERS: String(order.workers) })
  const config = shareOf(all, order.workers)
  const { worker } = order
  const log = openLog(config.logLevel, () => new Date(), console.error, { worker })
  const joined = joinSiblings(worker, say)
  siblings.resolve(joined)
  const payments = await joinPayments(config, order.standInUrl, log)
  const { databaseUrl } = order
  const serving = await openServing(config, {
    databaseUrl,
    log,
    closing,
    payments,
    siblings: joined.siblings,
  })
  say({ is: 'serving', serving })
}

async function stop(): Promise<void> {
  if (!isOrdered) process.exit(0)
  await opening.catch(() => undefined)
  await closing.close().catch((error: unknown) => console.error(explain(error)))
  process.exit(0)
}

function fail(message: string): void {
  process.exitCode = COULD_NOT_RUN
  process.send?.({ is: 'failed', message } satisfies FromWorker, undefined, undefined, () => process.exit())
}

/** Who is gone hears nothing, and this process ends with it. False where much waits to be heard, until `heard`. */
function say(message: FromWorker, heard = () => {}): boolean {
  return process.send?.(message, undefined, undefined, heard) ?? false
}
