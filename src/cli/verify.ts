import { defineCommand } from 'citty'
import { readConfig } from '../config.ts'
import { withInstalled } from './database.ts'

interface Row {
  readonly guarantee: string
  readonly protection: string
  readonly object: string
  readonly active: boolean
  readonly detail: string
}

export const verify = defineCommand({
  meta: {
    name: 'verify',
    description: 'Are all protections in place? Puts no load on the database; 1 where one is missing',
  },
  run: async () => {
    const rows = await withInstalled(
      readConfig(),
      async (client) => (await client.query<Row>('select * from verify_protections()')).rows,
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
