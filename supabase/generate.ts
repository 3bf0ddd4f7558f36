/** Writes what Supabase wants of each function (`npm run generate`): its entry file, and its place in config.toml and deno.json. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { functions } from '../src/api/functions/index.ts'

/** Path below `supabase/`, and what stands there. */
export function supabaseFiles(): ReadonlyMap<string, string> {
  const names = [...functions.keys()].sort()
  return new Map([
    ['config.toml', configToml(names)],
    ['functions/deno.json', denoJson()],
    ...names.map((name): [string, string] => [`functions/${name}/index.ts`, entryFile(name)]),
  ])
}

function entryFile(name: string): string {
  return `import { serve } from '../_shared/serve.ts'\n\nserve('${name}')\n`
}

function configToml(names: readonly string[]): string {
  const head = `# Written by \`npm run generate\` from the registry of functions; a test compares the two.
project_id = "admit-once"

[api]
schemas = ["public"]
extra_search_path = ["public", "extensions"]

# No gateway looks at tokens: Stripe has none, guests have none, publishable keys are none. Each function looks for itself.
`
  const section = (name: string) =>
    `[functions.${name}]\nverify_jwt = false\nimport_map = "./functions/deno.json"\n`
  return `${head}${names.map(section).join('\n')}`
}

/** Imports as npm specifiers, in the versions that the tests run with. */
function denoJson(): string {
  const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const imports = PACKAGES.flatMap((name) => {
    const at = `npm:${name}@${dependencies[name]}`
    // Of packages whose parts are imported too.
    return name === 'hono'
      ? [
          [name, at],
          [`${name}/`, `npm:/${name}@${dependencies[name]}/`],
        ]
      : [[name, at]]
  })
  return `${JSON.stringify({ imports: Object.fromEntries(imports) }, null, 2)}\n`
}

const PACKAGES = ['hono', 'jose', 'lru-cache', 'pg', 'prom-client', 'stripe', 'uqr', 'zod']

if (import.meta.main) {
  for (const [path, text] of supabaseFiles()) {
    const file = new URL(path, import.meta.url)
    mkdirSync(dirname(file.pathname), { recursive: true })
    writeFileSync(file, text)
  }
}
