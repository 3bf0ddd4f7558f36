import { type ChildProcess, spawn } from 'node:child_process'
import { access, constants, realpath } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { EmbeddedError, hasCode, toEmbeddedError } from './errors.ts'
import type { KeeperAnswer, KeeperOrder } from './keeper.ts'
import { checkOurs, findPlace, makeFolder, urlOf } from './place.ts'
import { isServerOf, readStatus, within } from './processes.ts'

export { EmbeddedError, type EmbeddedErrorCode } from './errors.ts'

/** A PostgreSQL that runs for this process, and ends with it at the latest. */
export interface Cluster extends AsyncDisposable {
  /** Superuser connection to the database `postgres`, password included. */
  readonly url: string
  readonly port: number
  readonly dataFolder: string
  /** Why it is gone for good; it was started again as often as makes sense. Pending as long as it runs, and when it was stopped. */
  readonly lost: Promise<EmbeddedError>
  /** Ends it, connections included, in at most 30 s. Returns when the data folder is free again. */
  stop(): Promise<void>
}

export interface EmbeddedOptions {
  /** Made where it does not exist, and filled on first use. */
  readonly dataFolder: string
  /** Removes the data folder at the end, however this process ends. */
  readonly ephemeral?: boolean
  /** On 127.0.0.1; a free one where it is left out. */
  readonly port?: number
  /** Parameters of postgresql.conf, over ours. */
  readonly settings?: Readonly<Record<string, string>>
  /** Is told each time it had to be started again. */
  readonly onRestart?: () => void
  /** So often in a row it is started again where it dies; five times where this is left out. */
  readonly restartsMax?: number
}

/**
 * Starts a PostgreSQL of its own in the data folder, which takes about a second on first use.
 *
 * It does not keep this process alive; when this process is gone, killed included, it stops. Where it dies by itself, or its
 * keeper does, it is started again on the same port; an ephemeral one is not, as its data went with it.
 * Throws EmbeddedError.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Cluster> {
  const dataFolder = await ownFolder(options.dataFolder)
  const { ephemeral = false, port, settings = {} } = options
  const order: KeeperOrder = {
    folder: dataFolder,
    ephemeral,
    settings,
    ...(port === undefined ? {} : { port }),
  }
  const keeper = startKeeper(order)
  const running = await answerOf(keeper)
  letGo(keeper)
  const guarded = guard(keeper, { ...order, port: running.port }, options)
  const { lost, stop } = guarded
  return { url: running.url, port: running.port, dataFolder, lost, stop, [Symbol.asyncDispose]: stop }
}

/** Supervisor's restart intensity: so often in a row, with a pause before each; who ran for long begins a new row. */
const RESTARTS_MAX = 5
const RESTART_AFTER_MS = 200
const RAN_LONG_MS = 60_000

/** A supervisor: who has the folder next ends what is left of the last one, and starts PostgreSQL on its port. */
function guard(
  first: Keeper,
  order: KeeperOrder,
  { onRestart = () => {}, restartsMax = RESTARTS_MAX }: Pick<EmbeddedOptions, 'onRestart' | 'restartsMax'>,
) {
  let keeper = first
  let stopped: Promise<void> | undefined
  const lost = Promise.withResolvers<EmbeddedError>()
  const watch = async () => {
    let last = 'it ended each time soon after its start'
    for (let restarts = 0; restarts < (order.ephemeral ? 0 : restartsMax); ) {
      const startedMs = performance.now()
      await keeper.ended
      restarts = performance.now() - startedMs > RAN_LONG_MS ? 1 : restarts + 1
      await delay(RESTART_AFTER_MS, undefined, { ref: false })
      if (stopped !== undefined) return
      keeper = startKeeper(order)
      await answerOf(keeper).then(onRestart, (error: Error) => {
        last = error.message
      })
      letGo(keeper)
    }
    await keeper.ended
    if (stopped !== undefined) return
    const message = `PostgreSQL in ${order.folder} ended and does not stay up: ${last}. See its log there.`
    lost.resolve(new EmbeddedError('START_FAILED', message))
  }
  void watch()
  const stop = () => {
    stopped ??= stopKeeper(keeper)
    return stopped
  }
  return { lost: lost.promise, stop }
}

/**
 * The URL of the cluster that runs on this data folder right now, whoever started it, or undefined.
 * Throws EmbeddedError NO_RIGHTS where the folder belongs to somebody else.
 */
export async function findEmbedded(dataFolder: string): Promise<string | undefined> {
  try {
    const place = await findPlace(await realpath(dataFolder))
    const status = await readStatus(place.pgdata)
    if (status === undefined || !status.ready || !(await isServerOf(place.pgdata, status.pid)))
      return undefined
    return await urlOf(place, status.port)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw toEmbeddedError(error)
  }
}

async function ownFolder(path: string): Promise<string> {
  try {
    await makeFolder(resolve(path), 0o755)
    const folder = await realpath(path)
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    await checkOurs(folder)
    return folder
  } catch (error) {
    throw toEmbeddedError(error)
  }
}

interface Keeper {
  readonly process: ChildProcess
  readonly ended: Promise<unknown>
}

function startKeeper(order: KeeperOrder): Keeper {
  const file = fileURLToPath(new URL(`./keeper${extname(import.meta.url)}`, import.meta.url))
  const args = ['--disable-warning=ExperimentalWarning', file, JSON.stringify(order)]
  const keeper = spawn(process.execPath, args, {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    windowsHide: true,
  })
  return { process: keeper, ended: new Promise((done) => keeper.once('exit', done)) }
}

async function answerOf(keeper: Keeper): Promise<KeeperAnswer & { readonly ok: true }> {
  const answer = await firstMessage(keeper.process)
  if (answer?.ok === true) return answer
  await keeper.ended
  if (answer !== undefined) throw new EmbeddedError(answer.code, answer.message)
  throw new EmbeddedError(
    'START_FAILED',
    'The process that starts PostgreSQL ended early; see its error above.',
  )
}

/** Undefined when it ended without one: after the last message comes 'disconnect', but 'exit' may overtake it. */
function firstMessage(keeper: ChildProcess): Promise<KeeperAnswer | undefined> {
  return new Promise((resolve, reject) => {
    keeper.once('message', (message) => resolve(message as KeeperAnswer))
    keeper.once('disconnect', () => resolve(undefined))
    keeper.once('error', (error) => reject(toEmbeddedError(error)))
  })
}

/** From here on the keeper alone does not keep this process alive. */
function letGo(keeper: Keeper): void {
  keeper.process.unref()
  keeper.process.channel?.unref()
}

/** More than the keeper itself allows PostgreSQL before it kills it. */
const STOP_MS_MAX = 30_000

async function stopKeeper({ process: keeper, ended }: Keeper): Promise<void> {
  keeper.ref()
  if (keeper.connected) keeper.send('stop', () => undefined)
  if (await within(STOP_MS_MAX, ended)) return
  if (keeper.pid !== undefined)
    process.kill(process.platform === 'win32' ? keeper.pid : -keeper.pid, 'SIGKILL')
  await ended
}
