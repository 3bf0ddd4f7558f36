import { readFile, realpath } from 'node:fs/promises'
import { hasCode } from './errors.ts'
import { findPlace } from './place.ts'
import { readStatus } from './processes.ts'

/** A signal to the first process of the PostgreSQL on this folder, which ends it as the signal says. For proofs. */
export async function signalEmbedded(dataFolder: string, signal: NodeJS.Signals): Promise<void> {
  const status = await readStatus((await findPlace(await realpath(dataFolder))).pgdata)
  if (status !== undefined) process.kill(status.pid, signal)
}

/** SIGKILL to every process of the PostgreSQL on this folder at once, as when a machine dies. For proofs. */
export async function killEmbedded(dataFolder: string): Promise<void> {
  await killServer((await findPlace(await realpath(dataFolder))).pgdata)
}

/** The same to the one whose data is right there, whoever started it. */
export async function killServer(pgdata: string): Promise<void> {
  const status = await readStatus(pgdata)
  if (status === undefined) return
  for (const pid of [status.pid, ...(await childrenOf(status.pid))]) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (!hasCode(error, 'ESRCH')) throw error
    }
  }
}

/** None where the system does not tell: they end by themselves when the first process is gone. */
async function childrenOf(pid: number): Promise<number[]> {
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return list.trim().split(' ').filter(Boolean).map(Number)
}
