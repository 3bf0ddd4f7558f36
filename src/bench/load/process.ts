import { fork } from 'node:child_process'
import { once } from 'node:events'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BenchError } from '../question.ts'
import type { Load, Loads } from './orders.ts'

export interface LoadProcess<Order> {
  run(order: Order, signal: AbortSignal): Promise<Load>
  close(): Promise<void>
}

/** A load in a process of its own, so that what it costs is nobody else's. It ends when this process does. */
export async function openLoad<Name extends keyof Loads>(name: Name): Promise<LoadProcess<Loads[Name]>> {
  const file = new URL(`./${name}${extname(import.meta.url)}`, import.meta.url)
  const child = fork(fileURLToPath(file), [], {
    // Ctrl-C belongs to the one who started the run.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-4000)
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const close = async () => {
    child.kill('SIGKILL')
    await exited
  }
  return {
    close,
    run: async (order, signal) => {
      signal.throwIfAborted()
      const answer = once(child, 'message', { signal })
      const gone = exited.then(() => {
        throw new BenchError('LOAD_FAILED', `the load generator ended: ${words}`)
      })
      child.send(order as object)
      const [said] = (await Promise.race([answer, gone])) as [Load | { readonly error: string }]
      if ('error' in said) throw new BenchError('LOAD_FAILED', said.error)
      return said
    },
  }
}
