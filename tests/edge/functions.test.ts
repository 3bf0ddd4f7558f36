import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { supabaseFiles } from '../../supabase/generate.ts'
import { noDeno } from '../support/deno.ts'

/** The tests of functions, which ask by URL: here the same functions under Deno, on the same PostgreSQL, behind a gateway. */
const FILES = [
  'cancel-event',
  'cancel-order',
  'checkouts',
  'gate-list',
  'misread-codes',
  'operations',
  'payments',
  'persons',
  'precedence',
  'process-refund',
  'session-status',
  'stale-tokens',
  'strange-keys',
  'strangers',
  'stripe-webhook',
  'sync-offline-scans',
  'synced-codes',
  'tables',
  'undo-scan',
  'unknown-fields',
  'validate-qr',
  'void-tickets',
]

/** What such a test looks at beside the answers, and that is in another process here. */
const APART: Readonly<Record<string, string>> = {
  'is a 304 as long as it stands': "tells the server's own signer to read its keys now",
  'payments go to the stand-in': 'health-check calls it a test mode of Stripe',
  'is 503 with Retry-After: the hold is kept': "reads the server's log",
  'is a listed origin or our own': 'its server has no stand-in',
  'is one signature a scan': 'counts what the signer does',
  'lets others have their turn': "measures the server's event loop",
}

describe('the functions of supabase/functions, under Deno', { skip: noDeno }, () => {
  it('answer what the tests of functions ask', async () => {
    const files = FILES.map((name) => `tests/api/${name}.test.ts`)
    const skipped = Object.keys(APART).map((name) => `--test-skip-pattern=${name}`)
    const child = spawn(
      process.execPath,
      ['--test', '--test-reporter=tap', '--test-concurrency=2', ...skipped, ...files],
      {
        env: { ...environmentOfChild(), ADMIT_ONCE_TEST_FUNCTIONS: 'deno' },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const ended = once(child, 'close')
    const report = (await child.stdout.toArray()).join('')
    const [status] = await ended
    const failed = report.split('\n').filter((line) => /^\s*not ok/.test(line))
    assert.deepEqual([status, failed], [0, []])
    const passed = Number(/^# pass (\d+)$/m.exec(report)?.[1])
    assert.ok(passed > 400, `${passed} passed`)
  })
})

describe('supabase/', () => {
  it('is what the registry of functions says: `npm run generate` writes it', () => {
    for (const [path, text] of supabaseFiles())
      assert.equal(readFileSync(`supabase/${path}`, 'utf8'), text, path)
    const folders = readdirSync('supabase/functions', { withFileTypes: true }).filter((one) =>
      one.isDirectory(),
    )
    const served = [...supabaseFiles().keys()].filter((path) => path.endsWith('index.ts')).length
    assert.equal(folders.length, served + 1, 'a function that the registry has not')
  })

  it('names every package that a function imports, and no other', () => {
    const needed = packagesOf(new URL('../../supabase/functions/_shared/serve.ts', import.meta.url))
    const { imports } = JSON.parse(readFileSync('supabase/functions/deno.json', 'utf8'))
    const named = Object.keys(imports).filter((name) => !name.endsWith('/'))
    assert.deepEqual(named.sort(), [...needed].sort())
  })

  it('lets each function look at tokens itself', () => {
    const config = readFileSync('supabase/config.toml', 'utf8')
    assert.equal(config.match(/^\[functions\./gm)?.length, config.match(/^verify_jwt = false$/gm)?.length)
  })
})

/** The packages that a file needs when it runs, and all that it imports. */
function packagesOf(file: URL, seen = new Set<string>()): Set<string> {
  if (seen.has(file.href)) return new Set()
  seen.add(file.href)
  const packages = new Set<string>()
  for (const [, names = '', to = ''] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    if (/^(type\b|\{(\s*type [^,}]+,?)+\s*\}$)/.test(names.trim())) continue
    if (to.startsWith('.')) for (const name of packagesOf(new URL(to, file), seen)) packages.add(name)
    else if (!to.startsWith('node:'))
      packages.add(to.startsWith('@') ? to.split('/', 2).join('/') : (to.split('/')[0] ?? ''))
  }
  return packages
}

const IMPORT = /^(?:import|export) (?:([^'"]*?) from )?'([^']+)'/gm

/** A runner that finds itself in another one reports to it. */
function environmentOfChild(): NodeJS.ProcessEnv {
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  return environment
}
