import cluster, { type Worker } from 'node:cluster'
import { extname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { LIMITS, openSpending } from '../api/admission.ts'
import { openPauseBook } from '../api/auth/pauses.ts'
import { listen } from '../api/listen.ts'
import { type FiguresOfAll, openFiguresOfAll } from '../api/metrics/figures-of-all.ts'
import type { Relayed } from '../api/realtime/relay.ts'
import type { Config } from '../config.ts'
import type { Log } from '../core/log.ts'
import { within } from '../embedded/processes.ts'
import { CommandError } from './failure.ts'
import { limitsOf, type Serving } from './serving.ts'
import { openLossy } from './siblings.ts'
import type { FromWorker, Question, ToWorker, WorkerOrder } from './worker-messages.ts'

/** Processes that serve one port together, each with everything but what there can be only one of. */
export interface Workers {
  readonly serving: Serving
  /** None of them stays up; pending as long as one does. */
  readonly lost: Promise<Error>
  /** Each finishes what it accepted; in at most a minute. */
  stop(): Promise<void>
}

export interface WorkersOptions {
  readonly databaseUrl: string
  readonly standInUrl?: string | undefined
  readonly log: Log
  readonly restartAfterMs?: number
  /** What a worker runs. */
  readonly program?: string
}

/** Supervisor's restart intensity: so often in a row, with a pause before each that doubles; who ran for long begins a new row. */
const RESTARTS_MAX = 5
const RESTART_AFTER_MS = 200
const RAN_LONG_MS = 60_000
/** More than all that one closes may take. */
const STOP_MS_MAX = 60_000

interface Running {
  readonly worker: Worker
  readonly serving: PromiseWithResolvers<Serving>
  /** With the code or the signal. */
  readonly ended: Promise<string>
  isServing: boolean
  /** Passes on what the subscribers of another did. */
  readonly relay: (from: number, message: Relayed) => void
}

/** What the process that starts them knows of them, and keeps for them. */
interface Supervision {
  readonly options: WorkersOptions
  readonly order: Omit<WorkerOrder, 'worker'>
  readonly running: Map<number, Running>
  readonly figures: FiguresOfAll
  readonly answer: (question: Question) => number
  isStopping: boolean
}

/** Starts all of them, and each again where it dies, while the others serve. Throws where one cannot start the first time. */
export async function openWorkers(config: Config, options: WorkersOptions): Promise<Workers> {
  const { databaseUrl, standInUrl, program = PROGRAM } = options
  const { workers } = config
  cluster.setupPrimary({ exec: program, args: [], serialization: 'advanced' })
  const running = new Map<number, Running>()
  const supervision: Supervision = {
    options,
    order: { databaseUrl, standInUrl, workers, port: await portFor(config) },
    running,
    figures: openFiguresOfAll((round, asker) => askForFigures(running, round, asker)),
    answer: openAnswers(config),
    isStopping: false,
  }
  const all = Array.from({ length: workers }, (_, n) => [n + 1, start(n + 1, supervision)] as const)
  try {
    const servings = await Promise.all(all.map(([, { serving }]) => serving.promise))
    const keeping = Promise.all(all.map(([number, one]) => keepUp(number, one, supervision)))
    const lost = keeping.then(() => (supervision.isStopping ? NEVER : new CommandError(NONE_LEFT)))
    return { serving: together(servings), lost, stop: () => end(supervision, STOP) }
  } catch (error) {
    await end(supervision, 'SIGKILL')
    throw error
  }
}

const NEVER = new Promise<never>(() => {})

function start(number: number, supervision: Supervision): Running {
  const { running, figures } = supervision
  const serving = Promise.withResolvers<Serving>()
  serving.promise.catch(() => undefined)
  const worker = cluster.fork()
  const ended = endOf(worker).then((how) => {
    running.delete(number)
    figures.ended(number)
    sayToOthers(number, { is: 'gone', worker: number }, running)
    serving.reject(new CommandError(`Worker ${number} ended with ${how} before it served.`))
    return how
  })
  const one: Running = { worker, serving, ended, isServing: false, relay: relayTo(worker) }
  running.set(number, one)
  worker.on('message', (message: FromWorker) => hear(message, number, one, supervision))
  return one
}

function hear(message: FromWorker, number: number, one: Running, supervision: Supervision): void {
  const { worker, serving } = one
  const { figures, answer, order, running, isStopping } = supervision
  switch (message.is) {
    case 'here':
      say(worker, isStopping ? STOP : { is: 'order', order: { ...order, worker: number } })
      break
    case 'serving':
      one.isServing = true
      sayToOthers(number, { is: 'introduce' }, running)
      serving.resolve(message.serving)
      break
    case 'failed':
      serving.reject(new CommandError(message.message))
      break
    case 'questions':
      say(worker, { is: 'answers', answers: message.questions.map(answer) })
      break
    case 'scrape':
      void figures.scrape(number).then((text) => say(worker, { is: 'scraped', text }))
      break
    case 'figures':
      figures.hear(number, message.round, message.values)
      break
    case 'relay':
      for (const [other, { isServing, relay }] of running)
        if (other !== number && isServing) relay(number, message.message)
  }
}

/** Ends when it is given up, or when all are stopped. */
async function keepUp(number: number, first: Running, supervision: Supervision): Promise<void> {
  const { log, restartAfterMs = RESTART_AFTER_MS } = supervision.options
  let one = first
  let startedMs = performance.now()
  for (let restarts = 0; ; ) {
    const how = await one.ended
    if (supervision.isStopping) return
    restarts = performance.now() - startedMs > RAN_LONG_MS ? 1 : restarts + 1
    const facts = { worker: number, pid: one.worker.process.pid, ended_with: how }
    if (restarts > RESTARTS_MAX) return log('error', 'worker_given_up', { ...facts, next: GIVEN_UP })
    log('error', 'worker_ended', { ...facts, next: 'the others serve; it is started again by itself' })
    await delay(restartAfterMs * 2 ** (restarts - 1), undefined, { ref: false })
    if (supervision.isStopping) return
    startedMs = performance.now()
    one = start(number, supervision)
    one.serving.promise.catch(({ message: error }: Error) =>
      log('error', 'worker_failed', { worker: number, error }),
    )
  }
}

async function end(supervision: Supervision, how: ToWorker | 'SIGKILL'): Promise<void> {
  const { running } = supervision
  supervision.isStopping = true
  const ended = Promise.all([...running.values()].map((one) => one.ended))
  const kill = () => {
    for (const { worker } of running.values()) worker.process.kill('SIGKILL')
  }
  if (how === 'SIGKILL') kill()
  else for (const { worker } of running.values()) say(worker, how)
  if (!(await within(STOP_MS_MAX, ended))) kill()
  await ended
}

function sayToOthers(number: number, message: ToWorker, running: Supervision['running']): void {
  for (const [other, { worker, isServing }] of running)
    if (other !== number && isServing) say(worker, message)
}

/** Whom it asked. */
function askForFigures(running: Supervision['running'], round: number, asker: number): readonly number[] {
  const asked = [...running].filter(([, { isServing }]) => isServing)
  for (const [number, { worker }] of asked) {
    say(worker, { is: 'read', round, withDatabase: number === asker })
  }
  return asked.map(([number]) => number)
}

const PROGRAM = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url))
const STOP: ToWorker = { is: 'stop' }
const GIVEN_UP = 'the others serve; restart the server once the cause is mended'
const NONE_LEFT = 'No worker stays up: each ended soon after its start, time and again. The log says why.'

function relayTo(worker: Worker): Running['relay'] {
  let from = 0
  const send = openLossy(
    (message, heard) =>
      !worker.isConnected() ||
      worker.send({ is: 'relayed', worker: from, message } satisfies ToWorker, heard),
  )
  return (number, message) => {
    from = number
    send(message)
  }
}

/** Who is going hears nothing more. */
function say(worker: Worker, message: ToWorker): void {
  if (worker.isConnected()) worker.send(message, () => undefined)
}

/** One that could not be started at all has no exit. */
function endOf(worker: Worker): Promise<string> {
  return new Promise((resolve) => {
    worker.on('exit', (code, signal) => resolve(String(signal ?? code)))
    worker.on('error', (error) => {
      if (worker.process.pid === undefined) resolve(error.message)
    })
  })
}

/** What one of them says holds for all; a key is new to the one that was first. */
function together(servings: readonly Serving[]): Serving {
  const [first] = servings
  if (first === undefined) throw new Error('no worker')
  return { ...first, newKey: servings.find(({ newKey }) => newKey !== undefined)?.newKey }
}

/** Token buckets and pauses of all together. */
function openAnswers(config: Config): (question: Question) => number {
  const spend = openSpending({ ...LIMITS, ...limitsOf(config) })
  const pause = openPauseBook()
  return (question) => {
    switch (question.of) {
      case 'rate':
        return spend(question.lane, question.network) ? 0 : 1
      case 'mail':
        return pause(question.address, question.seconds)
    }
  }
}

/**
 * The port, where it is free; throws a ListenError. It is found here: node:cluster would take another one for 0 when all workers have
 * died, and each worker would say by itself that it is taken.
 */
async function portFor({ host, port }: Config): Promise<number> {
  const fetch = () => new Response(null, { status: 503 })
  const probe = await listen({ fetch }, { host, port })
  await probe.close()
  return Number(/\d+$/.exec(probe.url)?.[0])
}
