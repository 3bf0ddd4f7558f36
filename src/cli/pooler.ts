import type { Engines } from '../load/engine.ts'
import type { ProofOptions } from '../proof/run.ts'
import { openPgBouncer } from './pgbouncer.ts'

/** Fewer connections than a scenario has clients, so that sessions share them. */
const POOL_SIZE = 20

/** What a proof needs to put PgBouncer before a database; nothing where this machine has none. */
export function poolerOf({ pooler }: Engines): Pick<ProofOptions, 'openPooler'> {
  if (pooler === undefined) return {}
  const openPooler = async (databaseUrl: string) => {
    const bouncer = await openPgBouncer(pooler.path, databaseUrl, { default_pool_size: POOL_SIZE })
    await bouncer.start().catch(async (error: unknown) => {
      await bouncer.close()
      throw error
    })
    return { url: bouncer.url, version: pooler.version, close: () => bouncer.close() }
  }
  return { openPooler }
}
