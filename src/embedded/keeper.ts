// A process of its own, the parent of PostgreSQL. It ends PostgreSQL when its owner asks, or when its owner is
// gone, however it went. Being the leader of a session, it does not hear the Ctrl-C that its owner gets.
import { rm } from 'node:fs/promises'
import { type Binaries, installedBinaries, usableBinaries } from './binaries.ts'
import { type Claim, takeFolder } from './claim.ts'
import { checkVersion, prepareData } from './data.ts'
import { type EmbeddedErrorCode, toEmbeddedError } from './errors.ts'
import { type Place, removePlace, urlOf } from './place.ts'
import { type Server, type ServerOrder, startServer } from './server.ts'

export interface KeeperOrder extends ServerOrder {
  readonly folder: string
  readonly ephemeral: boolean
}

export type KeeperAnswer =
  | { readonly ok: true; readonly port: number; readonly url: string }
  | { readonly ok: false; readonly code: EmbeddedErrorCode; readonly message: string }

const owner = process.ppid
const asked = new Promise<'fast'>((resolve) => process.once('message', () => resolve('fast')))
const orphaned = new Promise<'immediate'>((resolve) => {
  process.once('disconnect', () => resolve('immediate'))
  if (!process.connected) resolve('immediate')
})
// A system that shuts down signals every process at once; the owner drains first, and decides.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined)

try {
  await keep(JSON.parse(process.argv[2] ?? ''))
} catch (error) {
  const { code, message } = toEmbeddedError(error)
  await tell({ ok: false, code, message })
}
if (process.connected) process.disconnect()

async function keep(order: KeeperOrder): Promise<void> {
  const installed = await installedBinaries()
  const claim = await takeFolder(order.folder, owner, () => process.connected)
  try {
    await checkVersion(claim.place, installed)
    await run(order, claim, installed)
  } finally {
    claim.leave()
  }
}

async function run(order: KeeperOrder, { place, account }: Claim, installed: Binaries): Promise<void> {
  try {
    const binaries = await usableBinaries(installed, account)
    await prepareData(place, binaries, account, order.ephemeral)
    await serve(place, await startServer(place, binaries, account, order))
  } finally {
    if (order.ephemeral) await removePlace(place)
  }
}

async function serve(place: Place, server: Server): Promise<void> {
  await tell({ ok: true, port: server.port, url: await urlOf(place, server.port) })
  const mode = await Promise.race([asked, orphaned, server.ended.then(() => 'immediate' as const)])
  // Who waits for the folder sees by this that it will be free soon.
  await rm(place.owner, { force: true })
  await server.stop(mode)
}

function tell(answer: KeeperAnswer): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve()
    else process.send(answer, () => resolve())
  })
}
