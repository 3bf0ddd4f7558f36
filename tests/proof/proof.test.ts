import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { sentenceOf } from '../../src/proof/report/words.ts'
import { type Results, type StageResult, results as schema, worst } from '../../src/proof/results.ts'
import type { Run, Stage } from '../../src/proof/run.ts'
import { runStage, STAGES } from '../../src/proof/stages/index.ts'
import { conclude } from '../../src/proof/verdict.ts'
import { serverUrl } from '../support/server.ts'
import { openTestRun, type TestRunOptions, withoutRefusals } from './support.ts'

test('FAIL outweighs INCONCLUSIVE, which outweighs PASS', () => {
  assert.equal(worst(['PASS', 'INCONCLUSIVE', 'FAIL']), 'FAIL')
  assert.equal(worst(['PASS', 'INCONCLUSIVE', 'PASS']), 'INCONCLUSIVE')
  assert.equal(worst(['PASS', 'PASS']), 'PASS')
})

test('a run whose every stage passes is a PASS, without reasons', async () => {
  const results = await proved(['protections', 'functional', 'judgement'])
  assert.equal(results.verdict, 'PASS')
  assert.deepEqual(results.reasons, [])
  const unseen = results.guarantees.filter(({ verdict }) => verdict !== 'NOT SHOWN')
  assert.deepEqual(unseen, [], 'no guarantee is shown by a run without load')
})

test('what was asked for decides the verdict, and a PASS names what was not', async () => {
  const results = await proved(['protections', 'http', 'judgement', 'sabotage'], { only: ['reserve-race'] })
  assert.deepEqual([results.verdict, results.reasons], ['PASS', []])
  assert.match(sentenceOf(results), /\. Not asked for: HTTP load, Sabotage\.$/)
})

test('a broken promise is a FAIL that names guarantee, law and witness', async () => {
  const results = await proved(['protections', 'http', 'judgement'], {
    change: withoutRefusals('never-oversold'),
    only: ['concurrent-checkout'],
  })
  assert.equal(results.verdict, 'FAIL')
  const guarantee = results.guarantees.find(({ name }) => name === 'never-oversold')
  assert.equal(guarantee?.verdict, 'FAIL')
  assert.ok((guarantee?.laws[0]?.rows ?? 0) > 0)
  assert.ok(guarantee?.laws[0]?.witnesses[0])
  assert.ok(guarantee.protections.active < guarantee.protections.total)
  for (const stage of ['Protections in place', 'HTTP load', 'Judgement']) {
    assert.ok(
      results.reasons.some((reason) => reason.startsWith(`${stage}: `)),
      `${stage} says why`,
    )
  }
})

test('a server that does not start is no verdict: the stage throws and says what happened', async () => {
  const run = await openTestRun({
    startServer: () => Promise.reject(new Error('the server ended with 3 before it was ready')),
  })
  await assert.rejects(
    runStage(run, stageNamed('http'), () => {}),
    {
      code: 'STAGE_FAILED',
      message:
        /^HTTP load could not run: the server ended with 3 before it was ready\nThe proof did not come to its end/,
    },
  )
})

test('a database that goes away under load is no verdict, and is said', async () => {
  const run = await openTestRun({ only: ['concurrent-checkout'] })
  const gone = runStage(run, stageNamed('http'), (text) => {
    if (text.includes('Two hundred')) void dropDatabase(run)
  })
  await assert.rejects(gone, { code: 'STAGE_FAILED', message: /The database no longer answers/ })
})

test('a run that is stopped ends its load and throws, in every stage that takes long', async () => {
  for (const name of ['functional', 'interleavings', 'database', 'http', 'sabotage'] as const) {
    const stop = new AbortController()
    const run = await openTestRun({ signal: stop.signal })
    await runStage(run, stageNamed('preflight'), () => {})
    const stopped = runStage(run, stageNamed(name), () => stop.abort(new Error('Ctrl-C')))
    await assert.rejects(stopped, /Ctrl-C/, name)
  }
})

/** The whole of a run with these stages, as it is written to results.json and read back. */
async function proved(names: readonly Stage['name'][], options: TestRunOptions = {}): Promise<Results> {
  const run = await openTestRun(options)
  const done: StageResult[] = []
  for (const name of ['preflight', ...names] as const) {
    done.push(await runStage(run, stageNamed(name), () => {}))
  }
  return schema.parse(JSON.parse(JSON.stringify(conclude(run, done))))
}

function stageNamed(name: Stage['name']): Stage {
  const found = STAGES.find((stage) => stage.name === name)
  if (found === undefined) throw new Error(`no stage ${name}`)
  return found
}

async function dropDatabase(run: Run): Promise<void> {
  const name = new URL(run.databases.main.url).pathname.slice(1)
  const server = new pg.Client({ connectionString: serverUrl() })
  await server.connect()
  await server.query(`drop database ${name} with (force)`)
  await server.end()
}
