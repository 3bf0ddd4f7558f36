import type { Client } from 'pg'

/**
 * deadlock_timeout: with protections taken away attackers do deadlock, and PostgreSQL looks for it only after a second. A
 * superuser's session may have it look after 20 ms.
 */
export async function shortenDeadlockTimeout(client: Client): Promise<void> {
  await client.query(
    `select set_config('deadlock_timeout', '20ms', false) from pg_roles where rolname = current_user and rolsuper`,
  )
}
