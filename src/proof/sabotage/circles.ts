import type { Client } from 'pg'

/** With the locks taken away attackers do wait in circles; a superuser may have PostgreSQL look sooner than after a second. */
export async function breakCirclesSoon(client: Client): Promise<void> {
  await client.query(
    `select set_config('deadlock_timeout', '20ms', false) from pg_roles where rolname = current_user and rolsuper`,
  )
}
