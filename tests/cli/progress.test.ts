import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { runStages } from '../../src/cli/progress.ts'
import type { Run, Stage } from '../../src/proof/run.ts'
import { STAGES, turnsOf } from '../../src/proof/stages/index.ts'
import { openTestRun, SMALL } from '../proof/support.ts'

const BESIDE: readonly Stage['name'][] = ['interleavings', 'faults', 'sabotage']

test('a short run of its own PostgreSQL has beside each other what judges no time; others have one stage after another', () => {
  const turns = (isWhole: boolean, source: Run['source']) =>
    turnsOf({ profile: { ...SMALL, isWhole }, source }).map((stages) => stages.map(({ name }) => name))
  const each = STAGES.map(({ name }) => [name])
  assert.deepEqual(turns(true, 'embedded'), each)
  assert.deepEqual(turns(false, 'DATABASE_URL'), each)
  const short = turns(false, 'embedded')
  assert.deepEqual(
    short.filter(({ length }) => length > 1),
    [BESIDE],
  )
  assert.deepEqual(new Set(short.flat()), new Set(STAGES.map(({ name }) => name)))
  assert.ok(
    short.flat().indexOf('faults') < short.flat().indexOf('judgement'),
    'the judgement hears of the faults',
  )
})

test('where one of several stages cannot run the others are broken off, and none is at work when it is told', async () => {
  const stop = new AbortController()
  const run = await openTestRun({ signal: stop.signal, profile: { stages: ['preflight', ...BESIDE] } })
  let open = 0
  const withClone: Run['databases']['withClone'] = (work) => {
    open++
    return run.databases.withClone(work).finally(() => open--)
  }
  const broken: Run = {
    ...run,
    source: 'embedded',
    databases: { ...run.databases, withClone },
    attackDatabases: { withClone: () => Promise.reject(new Error('the disk is full')) },
  }
  const log = mock.method(console, 'log', () => {})
  const ended = runStages(broken, { live: false, breakOff: (reason) => stop.abort(reason) })
  await assert.rejects(ended, { code: 'STAGE_FAILED', message: /could not run: the disk is full/ })
  assert.equal(open, 0)
  const lines = log.mock.calls.map(({ arguments: [line = ''] }) => String(line))
  assert.ok(!lines.some((line) => line.startsWith('Faults')), 'what was broken off has no verdict')
  log.mock.restore()
})

test('results come in the order of the report, in whichever order the stages ended', async () => {
  const names = ['preflight', 'protections', 'judgement'] as const
  const run = await openTestRun({ profile: { stages: names } })
  const log = mock.method(console, 'log', () => {})
  const results = await runStages({ ...run, source: 'embedded' }, { live: false, breakOff: () => {} })
  log.mock.restore()
  assert.deepEqual(
    results.map(({ name }) => name),
    STAGES.map(({ name }) => name),
  )
  const done = results.flatMap(({ name, verdict }) => (verdict === 'SKIPPED' ? [] : [name]))
  assert.deepEqual(done, [...names])
})
