import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { compareRuns } from '../../src/proof/comparison/compare.ts'
import { readEarlier } from '../../src/proof/comparison/read.ts'
import { reportHtml } from '../../src/proof/report/html.ts'
import { summaryLine } from '../../src/proof/report/summary-line.ts'
import { verdictText } from '../../src/proof/report/terminal.ts'
import type { Results } from '../../src/proof/results.ts'
import { EXAMPLES, FAILING, PASSING, UNCERTAIN } from './report-examples.ts'

const folder = mkdtempSync(join(tmpdir(), 'admit-once-compare-'))
after(() => rmSync(folder, { recursive: true, force: true }))

function fileWith(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

function elsewhere(results: Results): Results {
  return { ...results, environment: { ...results.environment, cpu: 'another processor', cores: 64 } }
}

function faster(results: Results): Results {
  const scenarios = results.scenarios.map((scenario) => ({
    ...scenario,
    latencyMs: scenario.latencyMs && { ...scenario.latencyMs, p50: scenario.latencyMs.p50 / 2 },
  }))
  return { ...results, scenarios }
}

describe('a run beside an earlier one', () => {
  it('names what fails anew, with what was seen, and which guarantee changed', () => {
    const { failing, mended, guarantees, differences } = compareRuns(PASSING, FAILING)
    assert.deepEqual(failing, [
      {
        name: 'HTTP load: concurrent-checkout: 50 of 50 tickets are sold',
        verdict: 'FAIL',
        detail: '51 tickets in the database',
      },
    ])
    assert.deepEqual([mended, differences], [[], []])
    assert.deepEqual(guarantees, [{ name: 'never-oversold', before: 'PASS', now: 'FAIL' }])
  })

  it('names what fails anew and what passes again, of the checks that both have', () => {
    const broken = structuredClone(PASSING)
    const check = broken.stages[0]?.checks[0]
    assert.ok(check)
    check.verdict = 'INCONCLUSIVE'
    check.detail = 'fsync off'
    assert.deepEqual(compareRuns(PASSING, broken).failing, [
      { name: 'Preflight: commits are durable', verdict: 'INCONCLUSIVE', detail: 'fsync off' },
    ])
    assert.deepEqual(compareRuns(broken, PASSING).mended, ['Preflight: commits are durable'])
    assert.deepEqual(compareRuns(broken, broken).failing, [], 'what failed then does not fail anew')
  })

  it('sets figures against each other where the setting is the same, and says where it is not', () => {
    const [same] = compareRuns(PASSING, faster(PASSING)).scenarios
    assert.deepEqual([same?.isCompared, same?.p50], [true, { before: 152.9, now: 152.9 / 2 }])
    const other = compareRuns(elsewhere(PASSING), PASSING)
    assert.deepEqual(other.differences, [
      { what: 'processor', before: 'another processor', now: 'Intel(R) Xeon(R) Processor' },
      { what: 'cores', before: '64', now: '2' },
    ])
    assert.equal(other.scenarios[0]?.isCompared, false)
  })

  it('does not set one engine against another', () => {
    const scenarios = PASSING.scenarios.map((scenario) => ({ ...scenario, engine: 'built-in' }))
    const [one] = compareRuns({ ...PASSING, scenarios }, PASSING).scenarios
    assert.deepEqual(
      [one?.isCompared, one?.engines],
      [false, { before: 'built-in v1.8.1', now: 'k6 v1.8.1' }],
    )
  })

  it('tells which answers came how often then, and what only one of the two played', () => {
    const { scenarios } = compareRuns(PASSING, FAILING)
    assert.deepEqual(scenarios[0]?.outcomes, [
      { code: 'success', before: 50, now: 51 },
      { code: 'INSUFFICIENT_TICKETS', before: 150, now: 148 },
      { code: 'unexpected', before: 0, now: 1 },
    ])
    assert.deepEqual(compareRuns({ ...PASSING, scenarios: [] }, PASSING).onlyNow, ['concurrent-checkout'])
    assert.deepEqual(compareRuns(PASSING, { ...PASSING, scenarios: [] }).onlyEarlier, ['concurrent-checkout'])
  })

  it('stands in the terminal and in the report, a changed figure with its share only where that means something', () => {
    const shown = (earlier: Results, now: Results) => {
      const results = { ...now, comparison: compareRuns(earlier, now) }
      return [verdictText(results, { columns: 120, color: false }), reportHtml(results)] as const
    }
    const [text, page] = shown(PASSING, faster(PASSING))
    assert.match(
      text,
      /Compared with 20261121-123057-4711\n {2}PASS after PASS: every check of both runs ended as/,
    )
    assert.match(text, /concurrent-checkout +153 → 76, -50 %/)
    assert.match(page, /<div>76<small>was 153, -50\u00a0%<\/small>/)
    const [otherText, otherPage] = shown(elsewhere(PASSING), faster(PASSING))
    assert.match(otherText, /another processor: another processor, now Intel/)
    assert.match(otherText, /concurrent-checkout +153 → 76 /)
    assert.match(otherPage, /Not the same setting.*<div>76<small>was 153<\/small>/s)
  })
})

describe('a file that cannot be compared', () => {
  const whole = JSON.stringify(PASSING)
  for (const [code, text] of [
    ['EARLIER_RUN_FOREIGN', '{"schema":"somebody/else/1"}'],
    ['EARLIER_RUN_FOREIGN', '[1, 2, 3]'],
    ['EARLIER_RUN_FOREIGN', 'null'],
    ['EARLIER_RUN_OTHER_VERSION', whole.replace('results/1', 'results/2')],
    ['EARLIER_RUN_GARBLED', whole.slice(0, whole.length / 2)],
    ['EARLIER_RUN_GARBLED', ''],
    ['EARLIER_RUN_GARBLED', whole.replace('"verdict":"PASS"', '"verdict":"FINE"')],
    ['EARLIER_RUN_GARBLED', '{"schema":"admit-once/results/1"}'],
  ] as const)
    it(`${code}: ${text.slice(0, 40)}`, async () => {
      await assert.rejects(readEarlier(fileWith('other.json', text)), {
        code,
        message: new RegExp(`^${code}: .`),
      })
    })

  it('may also be missing, or far too large', async () => {
    await assert.rejects(readEarlier(join(folder, 'nowhere')), { code: 'EARLIER_RUN_NOT_FOUND' })
    await assert.rejects(readEarlier(folder), { code: 'EARLIER_RUN_NOT_FOUND' })
    truncateSync(fileWith('large.json', '{'), 65 * 1024 ** 2)
    await assert.rejects(readEarlier(join(folder, 'large.json')), { code: 'EARLIER_RUN_FOREIGN' })
  })

  it('ends prove with 3 before anything starts', () => {
    const bin = new URL('../../bin/admit-once.js', import.meta.url).pathname
    const args = [
      bin,
      'prove',
      '--compare',
      fileWith('foreign.json', '{}'),
      '--results',
      join(folder, 'results'),
    ]
    const { status, stderr, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    assert.deepEqual([status, stdout], [3, ''])
    assert.match(stderr, /EARLIER_RUN_FOREIGN: .*foreign\.json is no results\.json/)
  })

  it('is whole where a run wrote it, by its folder too', async () => {
    mkdirSync(join(folder, 'run'))
    for (const results of Object.values(EXAMPLES)) {
      const file = fileWith(join('run', 'results.json'), JSON.stringify(results))
      assert.deepEqual(await readEarlier(file), results)
      assert.deepEqual(await readEarlier(join(folder, 'run')), results)
    }
  })

  it('needs nothing that older runs of this schema did not write', async () => {
    const { health: _, capacity, errorRates, answerTimes, readiness, ...old } = structuredClone(PASSING)
    assert.deepEqual(await readEarlier(fileWith('old.json', JSON.stringify(old))), old)
    assert.ok(capacity && errorRates && answerTimes && readiness)
  })
})

describe('one line for the log of a CI', () => {
  for (const [name, results] of Object.entries(EXAMPLES))
    it(`${name}: is one line with verdict and counts`, () => {
      const line = summaryLine(results)
      assert.match(
        line,
        new RegExp(`^admit-once prove: ${results.verdict} guarantees=\\d+/\\d+ checks=\\d+/\\d+ `),
      )
      assert.doesNotMatch(line, /\p{Cc}|\u202e/u)
      assert.ok(line.length <= 500)
    })

  it('says what fails first, and what an earlier run says', () => {
    assert.match(
      summaryLine(FAILING),
      / first="HTTP load: concurrent-checkout: 50 of 50 tickets are sold \(51 tickets/,
    )
    assert.doesNotMatch(summaryLine(PASSING), /first=|newly_failing/)
    const comparison = compareRuns(PASSING, UNCERTAIN)
    assert.match(summaryLine({ ...UNCERTAIN, comparison }), / newly_failing=0 mended=0 first=/)
  })
})
