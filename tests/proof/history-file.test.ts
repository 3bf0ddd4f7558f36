import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { LedgerRow } from '../../src/proof/history/format.ts'
import { LINE_BYTES_MAX } from '../../src/proof/history/lines.ts'
import { type Answer, outcomeOf } from '../../src/proof/history/outcome.ts'
import { openHistoryFile } from '../../src/proof/history/read.ts'
import { openHistory } from '../../src/proof/history/recorder.ts'

const folder = mkdtempSync(join(tmpdir(), 'admit-once-history-'))
after(() => rmSync(folder, { recursive: true }))

const ROWS: readonly LedgerRow[] = [
  { version: 1, row: 'event', database: 'main', id: 'event', status: 'published' },
  { version: 1, row: 'tier', database: 'main', id: 'tier', event: 'event', total: 1 },
  {
    ...{ version: 1, row: 'order', database: 'main', id: 'order', sequence: 1, event: 'event' },
    ...{ key: 'ada', session: 'session', status: 'pending' },
  },
]

const CHECKOUT: Answer = {
  operation: 'checkout',
  key: 'ada',
  asked: { event: 'event', tiers: { tier: 1 } },
  answered: { order: 'order' },
  call: 10,
  return: 20,
  status: 200,
}

function recorded(name: string, answers: readonly Answer[], rows: readonly LedgerRow[] = ROWS): string {
  const run = { id: name, command: 'npx admit-once prove', startedAt: new Date() }
  const history = openHistory({ folder: join(folder, name), seed: 7, run })
  const recorder = history.openRecorder('concurrent-checkout', 'main')
  for (const answer of answers) recorder.record('1', answer)
  history.addRows(rows)
  assert.equal(history.close(), answers.length > 0)
  return history.file
}

/** All of it at once. */
async function readHistory(file: string) {
  const { header, databases, read } = await openHistoryFile(file)
  const parts = await Promise.all([...databases.keys()].map(read))
  return {
    header,
    operations: parts.flatMap(({ operations }) => operations),
    rows: parts.flatMap(({ rows }) => rows),
  }
}

describe('history.ndjson', () => {
  it('is read as it was written', async () => {
    const { header, operations, rows } = await readHistory(recorded('whole', [CHECKOUT]))
    assert.equal(header.seed, 7)
    assert.deepEqual(rows, ROWS)
    assert.deepEqual(operations, [
      {
        ...{ version: 1, operation: 'checkout', process: 'concurrent-checkout/1', key: 'ada' },
        ...{ intended: 10, call: 10, return: 20, outcome: 'ok', code: 'success' },
        ...{
          asked: CHECKOUT.asked,
          answered: CHECKOUT.answered,
          scenario: 'concurrent-checkout',
          database: 'main',
        },
      },
    ])
  })

  it('names the fault that an operation met, and no other', async () => {
    const history = openHistory({
      ...{ folder: join(folder, 'faults'), seed: 7 },
      run: { id: 'faults', command: '', startedAt: new Date() },
    })
    const recorder = history.openRecorder('webhook-chaos', 'webhook-chaos')
    const request = (call: number, returned: number) =>
      recorder.record('buyer 1', { ...CHECKOUT, call, return: returned, status: 0 })
    request(recorder.now() - 2, recorder.now() - 1)
    const end = recorder.beginFault('server kill 1')
    request(recorder.now() - 1, recorder.now())
    end()
    request(recorder.now() + 1, recorder.now() + 2)
    history.close()
    const { operations } = await readHistory(history.file)
    assert.deepEqual(
      operations.map(({ fault, outcome, return: returned }) => [fault, outcome, returned]),
      [
        [undefined, 'unknown', null],
        ['server kill 1', 'unknown', null],
        [undefined, 'unknown', null],
      ],
    )
  })

  it('takes what a script prints onto the clock of the run, and nothing else that it prints', async () => {
    const printed = join(folder, 'console.log')
    const startedAt = new Date(Date.now() - 60_000)
    const began = startedAt.getTime() + 5_000
    const line = (at: number) =>
      JSON.stringify({
        version: 1,
        ...CHECKOUT,
        process: 3,
        call: at,
        return: at + 1.5,
        wall: Math.floor(began + at + 1.5),
      })
    writeFileSync(
      printed,
      `concurrent-checkout: at most 2 requests\n${[0.25, 100.6, 200.5].map(line).join('\n')}\n`,
    )
    const run = { id: 'printed', command: '', startedAt }
    const history = openHistory({ folder: join(folder, 'printed'), seed: 7, run })
    assert.equal(await history.openRecorder('duel', 'main').readConsole(printed), 3)
    assert.equal(await history.openRecorder('duel', 'main').readConsole(join(folder, 'none')), 0)
    history.close()
    const { operations } = await readHistory(history.file)
    const [first] = operations
    assert.equal(first?.process, 'duel/3')
    for (const [at, call] of [0.25, 100.6, 200.5].entries())
      assert.ok(Math.abs((operations[at]?.call ?? 0) - 5_000 - call) < 5, `${operations[at]?.call}`)
  })

  it('is not there where nothing was recorded', () => {
    const file = recorded('nothing', [])
    assert.throws(() => readFileSync(file), { code: 'ENOENT' })
  })
})

const OUTCOMES: readonly (readonly [given: Partial<Answer>, outcome: string, code: string])[] = [
  [{}, 'ok', 'success'],
  [{ code: 'ADMITTED' }, 'ok', 'ADMITTED'],
  [{ success: false, code: 'ALREADY_USED' }, 'refused', 'ALREADY_USED'],
  [{ status: 409, code: 'INSUFFICIENT_TICKETS' }, 'refused', 'INSUFFICIENT_TICKETS'],
  [{ status: 402 }, 'refused', '402'],
  [{ status: 410, code: 'HOLD_EXPIRED' }, 'unknown', 'HOLD_EXPIRED'],
  [{ status: 408 }, 'unknown', '408'],
  [{ status: 503, code: 'SERVER_BUSY' }, 'refused', 'SERVER_BUSY'],
  [{ status: 503, code: 'COMMIT_UNCONFIRMED' }, 'unknown', 'COMMIT_UNCONFIRMED'],
  [{ status: 500, code: 'INTERNAL_ERROR' }, 'unknown', 'INTERNAL_ERROR'],
  [{ status: 302 }, 'unknown', '302'],
  [{ status: 0 }, 'unknown', 'no answer'],
]

describe('an answer', () => {
  for (const [given, outcome, code] of OUTCOMES)
    it(`${JSON.stringify(given)} is ${outcome}`, () => {
      const judged = outcomeOf({ ...CHECKOUT, ...given })
      assert.deepEqual([judged.outcome, judged.code], [outcome, code])
    })
})

const UNREADABLE: readonly (readonly [what: string, change: (lines: string[]) => string, message: RegExp])[] =
  [
    ['garbage', () => 'half past nine\n', /^HISTORY_LINE_INVALID: line 1 is no JSON object\.$/],
    ['nothing', () => '', /^HISTORY_EMPTY/],
    ['no header', (lines) => lines.slice(1).join('\n'), /^HISTORY_FOREIGN: line 1 is no header/],
    [
      'another version',
      ([first = '', ...lines]) => [first.replace('history/1', 'history/2'), ...lines].join('\n'),
      /^HISTORY_FOREIGN: line 1: this is "admit-once\/history\/2", and this version judges "admit-once\/history\/1"\.$/,
    ],
    [
      'two headers',
      ([first = '', ...lines]) => [first, first, ...lines].join('\n'),
      /^HISTORY_SECOND_HEADER: line 2/,
    ],
    [
      'garbage in the middle',
      (lines) => lines.with(1, '\0\0').join('\n'),
      /^HISTORY_LINE_INVALID: line 2 is no JSON/,
    ],
    [
      'a field that is none',
      (lines) => lines.with(1, lines[1]?.replace('"call":10', '"call":"ten"') ?? '').join('\n'),
      /^HISTORY_LINE_INVALID: line 2, call: /,
    ],
    [
      'a row of a kind that is none',
      (lines) => lines.with(2, lines[2]?.replace('"event"', '"seat"') ?? '').join('\n'),
      /^HISTORY_LINE_INVALID: line 3, row: /,
    ],
    [
      'an enormous line',
      (lines) => lines.with(1, 'x'.repeat(LINE_BYTES_MAX + 1)).join('\n'),
      /^HISTORY_LINE_TOO_LONG: line 2/,
    ],
    [
      'an enormous line without an end',
      () => 'x'.repeat(10 * LINE_BYTES_MAX),
      /^HISTORY_LINE_TOO_LONG: line 1/,
    ],
    ['a line that is cut', (lines) => lines.join('\n').slice(0, -20), /^HISTORY_CUT: line 6 has no end/],
    [
      'lost lines at the end',
      (lines) => `${lines.slice(0, -2).join('\n')}\n`,
      /^HISTORY_CUT: the last line, which counts/,
    ],
    [
      'a lost row',
      (lines) => lines.toSpliced(2, 1).join('\n'),
      /^HISTORY_CUT: line 5 counts 1 operations and 3 rows/,
    ],
    [
      'a line behind the last',
      (lines) => lines.toSpliced(-1, 0, lines[1] ?? '').join('\n'),
      /^HISTORY_LINE_INVALID: line 7 stands behind/,
    ],
  ]

describe('a file that is no history', () => {
  for (const [what, change, message] of UNREADABLE)
    it(`${what}: refused by a code, with the line`, async () => {
      const file = join(folder, 'unreadable')
      writeFileSync(file, change(readFileSync(recorded(`as ${what}`, [CHECKOUT]), 'utf8').split('\n')))
      await assert.rejects(
        readHistory(file),
        ({ message: said }: Error) => message.test(said) || assert.fail(said),
      )
    })

  it('a folder, or none that is there: refused by a code', async () => {
    for (const file of [folder, join(folder, 'nowhere')])
      await assert.rejects(readHistory(file), { code: 'HISTORY_UNREADABLE' })
  })
})

describe('admit-once prove check', () => {
  const command = join(import.meta.dirname, '../../bin/admit-once.js')
  const check = (...files: readonly string[]) =>
    spawnSync(process.execPath, [command, 'prove', 'check', ...files], { encoding: 'utf8' })

  it('says PASS, FAIL or INCONCLUSIVE and exits like prove, with no line longer than a terminal', () => {
    const lost = ROWS.filter(({ row }) => row !== 'order')
    const { key: _, ...nameless } = CHECKOUT
    for (const [name, answer, rows, status, words] of [
      ['sound', CHECKOUT, ROWS, 0, /✓ PASS\n3 of 8 checkers passed\. Nothing to look at: /],
      [
        'lost',
        CHECKOUT,
        lost,
        1,
        /✗ FAIL {2}acknowledged-once: [\s\S]*"wrong": "the order was acknowledged, and is not\s+there"/,
      ],
      ['left', { ...nameless, status: 0 }, ROWS, 2, /\? INCONCLUSIVE {2}unknown-resolved/],
    ] as const) {
      const { stdout, status: exit } = check(recorded(name, [answer], rows))
      assert.equal(exit, status, stdout)
      assert.match(stdout, words)
      assert.ok(
        stdout.split('\n').every((line) => line.length <= 80),
        stdout,
      )
    }
  })

  it('could not run: exit 3, and no stack', () => {
    for (const files of [[command], [join(folder, 'nowhere')], [], ['one', 'another']]) {
      const { stderr, status } = check(...files)
      assert.equal(status, 3, stderr)
      assert.doesNotMatch(stderr, /^ +at /m)
    }
  })
})
