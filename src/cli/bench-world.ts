import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { deriveKeys, mintToken } from '../api/keys.ts'
import type { BenchDatabase, World } from '../bench/question.ts'
import type { RunOptions } from '../bench/run.ts'
import type { Config } from '../config.ts'
import { qrSpelling } from '../core/code-token.ts'
import { connect } from '../db/connection.ts'
import { migrate } from '../db/migrate.ts'
import type { RunDatabases } from '../proof/run-databases.ts'
import { openClosing } from './closing.ts'
import { makeInstalled } from './mortals.ts'
import { openReplicated } from './replicated.ts'
import { serveFrom } from './serve-from.ts'
import { openSigner } from './signing-key.ts'
import { openStandInServer } from './stand-in-server.ts'

interface WorldOptions extends Pick<World, 'seconds' | 'signal' | 'pgbench' | 'folder'> {
  readonly jwtSecret: string
}

/** Opens worlds for the experiments of a question; each takes down what was opened in it. */
export async function worldsOf(
  { pools }: Config,
  databases: RunDatabases,
  { jwtSecret, ...options }: WorldOptions,
): Promise<RunOptions['openWorld']> {
  const { anon } = await deriveKeys(jwtSecret)
  const ticketKey = randomBytes(32).toString('base64url')
  const start = (databaseUrl: string, home: string, more: Readonly<Record<string, string>> = {}) =>
    serveFrom(databaseUrl, jwtSecret, { ADMIT_ONCE_HOME: home, TICKET_SIGNING_KEY: ticketKey, ...more })
  const serverHome = join(options.folder, 'server')
  return () => {
    const { after: keep, close } = openClosing()
    const world: World = {
      ...options,
      anonKey: anon,
      client: databases.main.client,
      buyersMax: pools.buyers,
      keep,
      openDatabase: () => openDatabase(databases, keep),
      openPair: async () => {
        const prepare = (dataFolder: string) => makeInstalled(dataFolder, migrate)
        const alone = { isSynchronous: false, distanceMs: 0 }
        const pair = await keep(openReplicated(join(options.folder, 'pair'), alone, prepare), (it) =>
          it.close(),
        )
        const { url } = pair.primary
        return { url, client: await keep(connect(url), (it) => it.end()), replicate: pair.replicate }
      },
      startServer: (url) => keep(start(url, serverHome), (it) => it.stop()),
      startShop: async (url) => {
        const standIn = await keep(openStandInServer(), (it) => it.close())
        const serving = standIn.serve(() => start(url, serverHome, standIn.environment))
        return { ...(await keep(serving, (it) => it.stop())), standIn }
      },
      // An empty DATABASE_URL is none: it starts a PostgreSQL in its home.
      startAtHome: (home) => start('', home),
      doorOf: async (fixture, { client }) => {
        const codes = await openSigner(ticketKey, client)
        return {
          token: await mintToken(jwtSecret, { sub: fixture.scannerId, email: 'door@example.org' }),
          codes: fixture.tickets.map(({ event_id, qr_code }) =>
            qrSpelling(codes.token('ticket', event_id, qr_code)),
          ),
        }
      },
    }
    return { world, close }
  }
}

/** A clone that lives until the world is closed. */
function openDatabase(databases: RunDatabases, keep: World['keep']): Promise<BenchDatabase> {
  const opened = Promise.withResolvers<BenchDatabase>()
  const over = Promise.withResolvers<void>()
  const lived = databases.withClone(async (database) => {
    opened.resolve(database)
    await over.promise
  })
  lived.catch(opened.reject)
  return keep(opened.promise, async () => {
    over.resolve()
    await lived
  })
}
