import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { serveFrom } from '../../src/cli/serve-from.ts'
import { soakChecks } from '../../src/proof/health/soak.ts'
import type { Soak } from '../../src/proof/measures.ts'
import type { Verdict } from '../../src/proof/results.ts'
import { checkNamed, JWT_SECRET, openTestRun, runStages } from './support.ts'

const MINUTE = 60_000
const MB = 1024 ** 2

/** Ten minutes, a sample every ten seconds. */
function soak(rss: (minute: number) => number, change: Partial<Soak> = {}): Soak {
  const samples = Array.from({ length: 60 }, (_, at) => ({
    ms: (at + 1) * 10_000,
    rssBytes: rss((at * 10_000) / MINUTE) * MB,
    heapBytes: 50 * MB,
    open: 12,
    idle: 4,
    waiting: 0,
  }))
  return { minuteMs: MINUTE, samples, openBefore: 6, openAfter: 6, inUseAfter: 0, ...change }
}

const calm = soak(() => 100)
const queueing = calm.samples.map((sample) => ({ ...sample, waiting: 3 }))

describe('leaks under sustained load', () => {
  for (const [what, seen, rule, verdict] of [
    ['memory that stays', calm, 'memory of the last minute', 'PASS'],
    [
      'memory that grows by a tenth',
      soak((minute) => (minute < 8 ? 100 : 110)),
      'memory of the last minute',
      'PASS',
    ],
    [
      'memory that grows by more',
      soak((minute) => (minute < 8 ? 100 : 111)),
      'memory of the last minute',
      'FAIL',
    ],
    [
      'memory that grows all the time',
      soak((minute) => 100 + 3 * minute),
      'memory of the last minute',
      'FAIL',
    ],
    [
      'a first minute that is larger',
      soak((minute) => (minute < 1 ? 300 : 100)),
      'memory of the last minute',
      'PASS',
    ],
    [
      'one sample that is larger',
      soak((minute) => (Math.abs(minute - 9.5) < 0.01 ? 300 : 100)),
      'memory of the last minute',
      'PASS',
    ],
    [
      'two minutes',
      { ...calm, samples: calm.samples.slice(0, 12) },
      'memory of the last minute',
      'INCONCLUSIVE',
    ],
    ['a server without figures', { ...calm, samples: [] }, 'memory of the last minute', 'INCONCLUSIVE'],
    ['connections that are closed', calm, 'connections return', 'PASS'],
    ['a connection that stays open', { ...calm, openAfter: 7 }, 'connections return', 'FAIL'],
    ['a connection that is never given back', { ...calm, inUseAfter: 1 }, 'connections return', 'FAIL'],
    ['a queue that empties', calm, 'queue for a connection', 'PASS'],
    ['a queue that never does', { ...calm, samples: queueing }, 'queue for a connection', 'INCONCLUSIVE'],
  ] as const satisfies readonly (readonly [string, Soak, string, Verdict])[])
    it(`${what}: ${verdict}`, () => {
      const checks = soakChecks(seen)
      assert.equal(checkNamed({ checks: [...checks] }, rule).verdict, verdict)
    })
})

test('a server that leaks is seen to, by real load on a real server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'admit-once-leak-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  const leak = join(folder, 'leak.mjs')
  writeFileSync(leak, 'const kept = []; setInterval(() => kept.push(Buffer.alloc(8 << 20, 1)), 200).unref()')
  const run = await openTestRun({
    profile: { soak: { minutes: 4, users: 2, minuteMs: 2_500 }, stages: ['preflight', 'http'] },
    startServer: (url) => serveFrom(url, JWT_SECRET, { NODE_OPTIONS: `--import=${pathToFileURL(leak)}` }),
  })
  const http = await runStages(run, 'http')
  const memory = checkNamed(http, 'soak: memory of the last minute')
  assert.equal(memory.verdict, 'FAIL', memory.detail)
  assert.match(memory.detail, /resident set \d+ MB in the second minute, \d+ MB in the last/)
  const [scenario] = run.scenarios
  assert.ok((scenario?.soak?.samples.length ?? 0) > 20)
  assert.ok(scenario?.soak?.samples.every(({ open }) => open > 0))
  assert.equal(checkNamed(http, 'it happened: orders placed').verdict, 'PASS')
  assert.equal((await runStages(run, 'interleavings')).reason, 'the profile small does without it')
})
