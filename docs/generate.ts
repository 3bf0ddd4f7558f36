/** Writes the pages of `docs/` that derive from a registry (`npm run generate`); a test compares each with what it would be. */
import { readFileSync, writeFileSync } from 'node:fs'
import { repetitionTable } from './generate/client.ts'
import { functionTypes, verbTypes } from './generate/client-types.ts'
import { commandsPage } from './generate/commands.ts'
import { conditionsPage } from './generate/conditions.ts'
import { currenciesPage } from './generate/currencies.ts'
import { dashboardJson } from './generate/dashboard.ts'
import { functionsPage } from './generate/functions.ts'
import { guaranteesPage, guaranteesTable } from './generate/guarantees.ts'
import { betweenMarks } from './generate/markdown.ts'
import { openapiJson } from './generate/openapi.ts'
import { refusalsPage } from './generate/refusals.ts'
import { variablesPage } from './generate/variables.ts'
import { verbsPage } from './generate/verbs.ts'

/** Path in the repository, and the whole page. */
const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/operating/dashboard.json': dashboardJson,
  'docs/operating/database-conditions.md': conditionsPage,
  'docs/operating/variables.md': variablesPage,
  'docs/reference/commands.md': commandsPage,
  'docs/reference/currencies.md': currenciesPage,
  'docs/reference/functions.md': functionsPage,
  'docs/reference/guarantees.md': guaranteesPage,
  'docs/reference/openapi.json': openapiJson,
  'docs/reference/refusals.md': refusalsPage,
  'docs/reference/verbs.md': verbsPage,
  'src/client/function-types.ts': functionTypes,
  'src/client/verb-types.ts': verbTypes,
}

/** Path in the repository, and the part between the marks `<!-- name -->` and `<!-- /name -->`. */
const PARTS: Readonly<Record<string, readonly [mark: string, text: () => string]>> = {
  'README.md': ['guarantees', guaranteesTable],
  'docs/client.md': ['repetition', repetitionTable],
  'docs/concepts/guarantees.md': ['guarantees', guaranteesTable],
}

/** Every page that is generated, whole or in part, by its path, as it should be. */
export async function generatedPages(): Promise<ReadonlyMap<string, string>> {
  const pages = new Map<string, string>()
  for (const [path, page] of Object.entries(PAGES)) pages.set(path, await page())
  for (const [path, [mark, text]] of Object.entries(PARTS)) {
    pages.set(path, betweenMarks(readFileSync(path, 'utf8'), mark, text()))
  }
  return pages
}

if (import.meta.main) for (const [path, text] of await generatedPages()) writeFileSync(path, text)
