import { defineCommand } from 'citty'
import { installSql } from '../db/migrate.ts'

export const sql = defineCommand({
  meta: {
    name: 'sql',
    description: 'Print everything the database needs as one file, for psql or a SQL editor',
  },
  run: () => {
    process.stdout.write(installSql())
  },
})
