/** Writes the files of `sql/` that are made from a registry (`npm run generate`); a test compares each with what it would be. */
import { writeFileSync } from 'node:fs'
import { currenciesSql } from './generate/currencies.ts'
import { doorsSql } from './generate/doors.ts'
import { migrationsSql } from './generate/migrations.ts'
import { protectionsSql } from './generate/protections.ts'
import { refusalsSql } from './generate/refusals.ts'
import { requestsSql } from './generate/requests.ts'

/** Path below `sql/`, and what stands there. */
export const GENERATED: Readonly<Record<string, () => string>> = {
  'migrations.sql': migrationsSql,
  'parts/is_chargeable.sql': currenciesSql,
  'parts/is_email.sql': requestsSql,
  'parts/refusal_message.sql': refusalsSql,
  'protections.sql': protectionsSql,
  'public.sql': doorsSql,
}

if (import.meta.main)
  for (const [path, text] of Object.entries(GENERATED)) writeFileSync(new URL(path, import.meta.url), text())
