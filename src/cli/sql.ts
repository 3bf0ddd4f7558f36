import { defineCommand } from 'citty'
import { installSql } from '../db/migrate.ts'
import { writeSupabaseMigration } from './supabase-migration.ts'

export const sql = defineCommand({
  meta: {
    name: 'sql',
    description: 'Print everything the database needs as one file, for psql or a SQL editor',
  },
  args: {
    supabase: {
      type: 'boolean',
      default: false,
      description: "write it as a project's next migration instead, where it is another than the last one",
    },
    folder: {
      type: 'string',
      default: 'supabase/migrations',
      description: 'where the project keeps its migrations',
    },
  },
  run: async ({ args }) => {
    if (args.supabase) console.log(await writeSupabaseMigration(args.folder, new Date()))
    else process.stdout.write(installSql())
  },
})
