import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type BenchRun, benchPage } from '../../src/bench/page/page.ts'
import type { Answer } from '../../src/bench/page/question.ts'
import type { Question } from '../../src/bench/question.ts'
import { resultOf, type Sample } from '../../src/bench/result.ts'
import { noBrowser, openBrowser, overflowOf, paleTextsOf } from '../support/browser.ts'
import { references, resultsIn, unclosed, visible } from '../support/page.ts'

const MACHINE = {
  cpu: 'A <processor>',
  cores: 4,
  memoryBytes: 16 * 2 ** 30,
  platform: 'linux x64',
  node: '24.0.0',
  pgbench: '18.4',
  postgres: { version: '18.4', fsync: 'on', synchronousCommit: 'on', sharedBuffers: '128MB' },
  load: { before: [0.5], after: [3] },
}

const QUESTION: Question = {
  open: async () => ({ contestants: [], ledgers: [] }),
  seconds: 2,
  asks: 'Is `a` as fast as <b>?',
  name: 'made',
  ratios: [
    { name: 'met', label: 'a : <img alt=x>', of: ['a', 'b'], target: { atLeast: 2 } },
    { name: 'unmet', label: 'p99 of a : b', of: ['a', 'b'], by: 'p99Ms', target: { atMost: 0.5 } },
    { name: 'free', label: 'b : a', of: ['b', 'a'] },
  ],
}

interface Made {
  readonly rounds?: number
  readonly faster?: number
  readonly machine?: Partial<typeof MACHINE>
  readonly question?: Question
}

function answerOf({ rounds = 3, faster = 1, machine = {}, question = QUESTION }: Made = {}): Answer {
  const sample = (perSecond: number, p99Ms: number | undefined): Sample => ({
    perSecond,
    p50Ms: p99Ms === undefined ? undefined : p99Ms / 3,
    p99Ms,
    maxMs: p99Ms === undefined ? undefined : 2 * p99Ms,
    residentMiB: undefined,
    cpuMs: 1,
    cores: { load: 0.5, server: p99Ms === undefined ? undefined : 1, postgres: 1.5 },
  })
  const each = (of: (round: number) => Sample) => Array.from({ length: rounds }, (_, round) => of(round))
  const result = resultOf(question, {
    version: '1.2.3',
    rounds,
    seconds: 2,
    machine: { ...MACHINE, ...machine },
    rates: [
      {
        name: 'a',
        label: 'a, 200 users',
        samples: each((round) => sample(faster * (3000 + 100 * round), 40)),
      },
      { name: 'b', label: '"b" & <script>alert(1)</script>', samples: each(() => sample(1000, 50)) },
      { name: 'c', label: 'untimed \u202ec', samples: each(() => sample(7, undefined)) },
    ],
    missing: [{ contestants: ['d', 'e'], why: 'there is no <pgbench>' }],
  })
  return { question, result, earlier: undefined }
}

function pageOf(answers: BenchRun['answers'] = [answerOf()], more: Partial<BenchRun> = {}): string {
  return benchPage({
    startedAt: '2026-11-30T20:15:00.000Z',
    durationMs: 42_000,
    command: 'npx admit-once bench made --html bench.html',
    answers,
    unanswered: [],
    ...more,
  })
}

const compared = (earlier: Answer, now = answerOf()) => pageOf([{ ...now, earlier: earlier.result }])

suite('the page of a bench', () => {
  test('needs no network and no script, and has the results inside as they are', () => {
    const page = pageOf()
    assert.deepEqual(references(page), [])
    assert.match(page, /content="default-src 'none'; /)
    assert.deepEqual(page.match(/<script[^>]*>/g), ['<script type="application/json" id="results">'])
    assert.deepEqual(resultsIn(page), JSON.parse(JSON.stringify([answerOf().result])))
    assert.deepEqual(unclosed(page), [])
    assert.doesNotMatch(visible(page), /NaN|Infinity|undefined/)
  })

  test('no name becomes markup, and none changes how the text around it is read', () => {
    const page = visible(pageOf())
    assert.doesNotMatch(page, /<img|<script>alert|<processor>|<pgbench>|as <b>\?|\u202e/)
    assert.match(page, /a : &lt;img alt=x&gt;/)
    assert.match(page, /Is <code>a<\/code> as fast as &lt;b&gt;\?/)
  })

  test('says first how many ratios are where they are wanted, and which are not', () => {
    const [head = ''] = pageOf().split('<main>')
    assert.match(
      head,
      /<h1>1 of 2<\/h1>\n<p class="sentence">wanted ratios are where they should be\. Not so:/,
    )
    const one = answerOf({ question: { ...QUESTION, ratios: QUESTION.ratios.slice(0, 1) } })
    assert.match(pageOf([one]), /<h1>1 of 1<\/h1>\n<p class="sentence">wanted ratio is where it should be\.</)
    assert.match(head, /p99 of a : b · <b>0\.80<\/b>, wanted ≤ 0\.5/)
    assert.doesNotMatch(head, /img alt=x|b : a/)
  })

  test('a ratio says in words what its drawing shows: met or not, by sign and shape too', () => {
    const page = pageOf()
    assert.match(page, /aria-label="a : [^"]*: median 3\.10; least 3\.00, most 3\.20; wanted ≥ 2, met"/)
    assert.match(page, /aria-label="p99 of a : b: [^"]*; wanted ≤ 0\.5, not met"/)
    assert.match(page, /✓<\/span> met, ≥ 2</)
    assert.match(page, /✗<\/span> not met, ≤ 0\.5</)
    assert.match(page, /<circle class="median met"/)
    assert.match(page, /<circle class="median unmet"/)
    assert.match(page, /<div>3\.00 · 3\.10 · 3\.20<\/div>/, 'each round, in the table')
  })

  test('has rates, latencies and shares of the CPU; who was not timed or not seen is named', () => {
    const page = pageOf()
    assert.match(page, /aria-label="a, 200 users: 3,100 a second, least 3,000, most 3,200"/)
    assert.match(page, /aria-label="a, 200 users: p50 13\.3 ms, p99 40\.0 ms"/)
    assert.match(page, /Not timed: untimed /)
    assert.match(page, /aria-label="a, 200 users: load generator 13 %, server 25 %, PostgreSQL 38 %"/)
    assert.match(page, /aria-label="untimed [^"]*, server not seen, /)
  })

  test('has the figures that only its question asks for, where there are any', () => {
    const page = pageOf([answerOf({ question: { ...QUESTION, columns: ['maxMs', 'residentMiB'] } })])
    assert.match(page, /<h3>Oldest answer<\/h3>.*aria-label="a, 200 users: 80\.0 ms"/s)
    assert.doesNotMatch(page, /Memory of the server/)
    assert.doesNotMatch(pageOf(), /Oldest answer/)
  })

  test('names machine, settings, what is missing and why, and the command that asks the same', () => {
    const page = pageOf()
    assert.match(page, /PostgreSQL 18\.4, fsync on, synchronous_commit on, shared_buffers 128MB/)
    assert.match(page, /3 rounds of 2 s each by turns · load 0\.5 before, 3 after/)
    assert.match(page, /<b>Not measured:<\/b> d · e\. Why: there is no &lt;pgbench&gt;/)
    assert.match(page, /npx admit-once bench made --html bench\.html/)
    assert.doesNotMatch(page, /Beside other work/)
    assert.match(
      pageOf([answerOf({ machine: { load: { before: [4.5], after: [3] } } })]),
      /load 4\.5 on 4 cores/,
    )
  })

  test('an earlier run stands beside it, set against it only where the setting is the same', () => {
    const same = compared(answerOf({ faster: 0.5 }))
    assert.match(same, /was 1,550, \+100\u00a0%/)
    assert.match(same, /The setting is the same\./)
    const other = compared(answerOf({ faster: 0.5, machine: { cores: 8 } }))
    assert.match(other, /A &lt;processor&gt;, 8 cores/)
    assert.match(other, /are not set against each other/)
    assert.match(other, /was 1,550/)
    assert.doesNotMatch(other, /was 1,550, /)
    assert.doesNotMatch(pageOf(), /was \d|before</)
    const without = answerOf({ machine: { cores: 8 }, question: { ...QUESTION, ratios: [] } })
    assert.match(compared(without), /data-head="before"><div>–<.*data-head="rounds"><div>3\.00 · /)
  })

  test('several questions have an overview, and what the run did not come to is named', () => {
    const second = answerOf({ question: { ...QUESTION, name: 'other', ratios: [] } })
    const page = pageOf([answerOf(), second], { unanswered: [{ ...QUESTION, name: 'never' }] })
    assert.match(page, /<a href="#other"><b>other<\/b><\/a> <span>No ratio has a wanted value\./)
    assert.match(page, /No ratio came out/)
    assert.match(page, /<b>Asked and not answered:<\/b> never\./)
    assert.doesNotMatch(pageOf(), /not answered/)
  })

  test('the largest run makes a page of less than 1 MB', () => {
    const ratios = Array.from({ length: 12 }, (_, at) => ({
      name: `r${at}`,
      label: `a : b, ${at}`,
      of: ['a', 'b'] as const,
    }))
    const answer = answerOf({ rounds: 100, question: { ...QUESTION, ratios } })
    const rates = Object.fromEntries(
      Array.from({ length: 7 }, (_, at) =>
        Object.entries(answer.result.rates).map(([name, rate]) => [name + at, rate] as const),
      ).flat(),
    )
    const large = { ...answer, result: { ...answer.result, rates } }
    assert.ok(pageOf([large, large, large, large, large, large, large]).length < 1_000_000)
  })
})

test('in a browser no page is wider than its window, nor a text too pale, folded or not', {
  skip: noBrowser,
}, async () => {
  const browser = await openBrowser()
  try {
    for (const colorScheme of ['light', 'dark'] as const)
      for (const width of [1280, 390, 320]) {
        const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } })
        await page.setContent(compared(answerOf({ machine: { cores: 8 } })))
        for (const isOpen of [false, true]) {
          await page.evaluate((open) => {
            for (const one of document.querySelectorAll('details')) one.open = open
          }, isOpen)
          assert.deepEqual(
            [await overflowOf(page), await paleTextsOf(page)],
            [0, []],
            `${colorScheme} ${width}`,
          )
        }
        await page.close()
      }
  } finally {
    await browser.close()
  }
})
