import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { BenchServer, Contestant, Question, World } from '../question.ts'

/** From the command to the first answer that a database gave. */
export const startUp: Question = {
  name: 'start-up',
  asks: 'How long is it from `admit-once start` on data that is there to the first answered request?',
  seconds: 1,
  ratios: [
    {
      name: 'start_over_node',
      label: 'time: embedded PostgreSQL : an empty Node program',
      of: ['start_embedded', 'node'],
      by: 'p50Ms',
    },
    {
      name: 'start_at_url_over_node',
      label: 'time: DATABASE_URL : an empty Node program',
      of: ['start_at_url', 'node'],
      by: 'p50Ms',
    },
  ],
  open: async (world) => {
    const database = await world.openDatabase()
    const home = join(world.folder, 'start-up')
    const atHome = async () => world.keep(world.startAtHome(home), (it) => it.stop())
    return {
      contestants: [
        timed('start_embedded', 'start, embedded PostgreSQL', () => answering(world, atHome())),
        timed('start_at_url', 'start, DATABASE_URL', () => answering(world, world.startServer(database.url))),
        timed('node', 'an empty Node program', emptyProgram),
      ],
      ledgers: [],
      // The data folder is made, the schema installed.
      warmUp: async () => (await atHome()).stop(),
    }
  },
}

/** One run of something, timed. It gives what ends it, which takes no part. */
function timed(name: string, label: string, work: () => Promise<() => Promise<void>>): Contestant {
  return {
    name,
    label,
    run: async () => {
      const startedMs = performance.now()
      const end = await work()
      const ms = performance.now() - startedMs
      await end()
      return { answered: 1, inTime: 1, seconds: ms / 1000, p50Ms: ms, p99Ms: ms }
    },
  }
}

async function answering({ anonKey }: World, starting: Promise<BenchServer>): Promise<() => Promise<void>> {
  const { url, stop } = await starting
  const answer = await fetch(`${url}/rest/v1/events?select=id&limit=1`, { headers: { apikey: anonKey } })
  await answer.text()
  if (!answer.ok) throw new Error(`the first request was answered with ${answer.status}`)
  return stop
}

async function emptyProgram(): Promise<() => Promise<void>> {
  const [code] = await once(spawn(process.execPath, ['--eval', '0'], { stdio: 'ignore' }), 'exit')
  if (code !== 0) throw new Error(`node ended with ${code}`)
  return async () => {}
}
