import { defineCommand } from 'citty'
import { readConfig } from '../config.ts'
import { migrate as install } from '../db/migrate.ts'
import { withDatabase } from './database.ts'

export const migrate = defineCommand({
  meta: {
    name: 'migrate',
    description: 'Install or update on DATABASE_URL; safe to run twice, and at the same time',
  },
  run: async () => {
    await withDatabase(readConfig(), async (client) => {
      await install(client)
      const found = await client.query<{ active: number; total: number }>(
        'select count(*) filter (where active)::int as active, count(*)::int as total from verify_protections()',
      )
      const { active, total } = found.rows[0] ?? {}
      console.log(`Installed: ${active} of ${total} protections are in place.`)
      if (active !== total) process.exitCode = 1
    })
  },
})
