import { defineCommand } from 'citty'
import { readConfig } from '../config.ts'
import { migrate as install } from '../db/migrate.ts'
import { runOnClient } from '../db/pool.ts'
import { LOGIN } from '../desk/callers.ts'
import { countProtections } from '../desk/protections.ts'
import { withDatabase } from './database.ts'

export const migrate = defineCommand({
  meta: {
    name: 'migrate',
    description: 'Install or update on DATABASE_URL; safe to run twice, and at the same time',
  },
  run: async () => {
    await withDatabase(readConfig(), async (client) => {
      await install(client)
      const { active, total } = await countProtections(runOnClient(client), LOGIN)
      console.log(`Installed: ${active} of ${total} protections are in place.`)
      if (active === total) return
      console.error(
        '`admit-once verify` names the others. What is a setting of PostgreSQL, such as fsync, is yours to change.',
      )
      process.exitCode = 1
    })
  },
})
