import { defineCommand } from 'citty'
import { readConfig } from '../config.ts'
import { withInstalled } from './database.ts'
import { databaseTypes } from './database-types.ts'
import { readPublicSchema } from './public-schema.ts'

const SCHEMA = 'public'

export const types = defineCommand({
  meta: {
    name: 'types',
    description: 'Print the Database type for supabase-js, tables and functions of your own included',
  },
  run: async () => {
    const schema = await withInstalled(readConfig(), (client) => readPublicSchema(client, SCHEMA), true)
    process.stdout.write(databaseTypes(schema, SCHEMA))
  },
})
