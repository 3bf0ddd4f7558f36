import { defineCommand } from 'citty'
import { readConfig } from '../config.ts'
import { runOnClient } from '../db/pool.ts'
import { LOGIN } from '../desk/callers.ts'
import { verifyProtections } from '../desk/protections.ts'
import { withInstalled } from './database.ts'

export const verify = defineCommand({
  meta: {
    name: 'verify',
    description: 'Are all protections in place? Puts no load on the database; 1 where one is missing',
  },
  run: async () => {
    const rows = await withInstalled(
      readConfig(),
      (client) => verifyProtections(runOnClient(client), LOGIN, {}),
      true,
    )
    for (const row of rows) {
      console.log(
        `${row.active ? '✓' : '✗'} ${row.guarantee.padEnd(25)} ${row.protection}${row.active ? '' : `  (${row.object}: ${row.detail})`}`,
      )
    }
    const missing = rows.filter((row) => !row.active).length
    console.log(`\n${rows.length - missing} of ${rows.length} protections are in place.`)
    process.exitCode = missing === 0 ? 0 : 1
  },
})
