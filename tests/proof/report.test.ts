import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { suite, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import stringWidth from 'string-width'
import { commandLines } from '../../src/proof/report/command.ts'
import { reportHtml } from '../../src/proof/report/html.ts'
import { verdictText } from '../../src/proof/report/terminal.ts'
import { inNumber } from '../../src/proof/report/words.ts'
import { NOT_STEPPED, type Results, results as schema } from '../../src/proof/results.ts'
import { references, unclosed, visible } from '../support/page.ts'
import { COMMAND, EXAMPLES, FAILING, PASSING, UNCERTAIN } from './report-examples.ts'

suite('the report as one page', () => {
  for (const [name, results] of Object.entries(EXAMPLES)) {
    const page = reportHtml(results)

    test(`${name}: the example is one that a run could write`, () => {
      assert.deepEqual(schema.parse(results), results)
    })

    test(`${name}: nothing in it is fetched from anywhere`, () => {
      assert.deepEqual(references(page), [])
      assert.match(page, /content="default-src 'none'; /)
    })

    test(`${name}: it has no script but results.json, which comes out as it went in`, () => {
      const scripts = [...page.matchAll(/<script([^>]*)>([\s\S]*?)<\/script>/g)]
      assert.deepEqual(
        scripts.map(([, attributes]) => attributes),
        [' type="application/json" id="results"'],
      )
      assert.equal(page.match(/<\/?script/g)?.length, 2)
      assert.deepEqual(JSON.parse(scripts[0]?.[2] ?? ''), results)
    })

    test(`${name}: nothing that a run has seen becomes markup`, () => {
      assert.doesNotMatch(page, /<img|onerror="/)
      assert.doesNotMatch(visible(page), /(?!\n)\p{Cc}|\u202e/u)
    })

    test(`${name}: every element that is opened is closed`, () => {
      assert.deepEqual(unclosed(page), [])
    })

    test(`${name}: the verdict comes first, then guarantees, sabotage, interleavings, scenarios, stages, and what it shows`, () => {
      const order = ['guarantees', 'sabotage', 'interleavings', 'scenarios', 'stages', 'shown'].map((id) =>
        page.indexOf(`<h2 id="${id}"`),
      )
      const verdict = page.search(new RegExp(`<h1>.* ${results.verdict}</h1>`))
      assert.deepEqual(
        [verdict, ...order],
        [verdict, ...order].toSorted((a, b) => a - b),
      )
      assert.ok(verdict > 0)
    })

    test(`${name}: every guarantee, every sabotage and every race at its level has its row`, () => {
      assert.equal(rowsOf(page, 'guarantees'), results.guarantees.length)
      assert.equal(rowsOf(page, 'sabotage'), results.sabotage.length)
      assert.equal(rowsOf(page, 'interleavings'), results.interleavings.length)
      for (const { name } of results.guarantees) assert.ok(page.includes(`<code>${name}</code>`), name)
    })
  }

  test('a reference to another place would be seen', () => {
    const page = reportHtml(PASSING)
    const with_ = (markup: string) => references(page.replace('</main>', `${markup}</main>`))
    assert.equal(with_('<img src="https://example.org/a.png">').length, 1)
    assert.equal(with_('<a href=//example.org>there</a>').length, 1)
    assert.equal(with_('<style>@import "a.css";</style>').length, 1)
    assert.equal(with_('<script src="a.js"></script>').length, 1)
  })

  test('an element that is left open would be seen', () => {
    assert.deepEqual(unclosed('<main><p>text</main>'), ['p'])
  })

  test('what was taken away is named, with what had to be seen, what was, and who saw it', () => {
    const rows = [...reportHtml(FAILING).matchAll(/<tr role="row"><th role="rowheader"[\s\S]*?<\/tr>/g)].map(
      String,
    )
    const row = rows.find((text) => text.includes('trg_sync_sold_quantity')) ?? ''
    assert.match(
      row,
      /data-head="expected"><div>caught<.*data-head="seen"><div>caught<.*never_oversold.*PASS/s,
    )
    const missed = rows.find((text) => text.includes('all 2 that refuse')) ?? ''
    assert.match(missed, /<details open>.*data-head="seen"><div>missed<.*no law.*FAIL/s)
    assert.match(missed, /decision under the tier lock, check_sold_lte_total/)
  })

  test('a race says in how many orders, who waited, and how often it ended how; one that did not run says why', () => {
    const page = reportHtml(PASSING)
    const [, races = ''] = page.split('<h2 id="interleavings">')
    assert.match(
      races,
      /last ticket<.*buyer 1 \| buyer 2<.*>14 of 20<.*>6<.*7 × <code>success \| INSUFFICIENT_TICKETS</s,
    )
    assert.ok(races.includes(`not every order is stepped: the others ${NOT_STEPPED}.`))
    assert.match(reportHtml(UNCERTAIN), /No interleavings: another scenario was asked for/)
  })

  test('a failure stands open, with its witness and the command that shows it again', () => {
    const [before = '', findings = ''] = visible(reportHtml(FAILING)).split('<h2 id="findings">')
    assert.doesNotMatch(before, /<h2/, 'before anything else')
    const open = findings.replaceAll(/<details>[\s\S]*?<\/details>/g, '')
    assert.match(open, /id="finding-1"/)
    assert.match(open, /51 tickets in the database/)
    assert.match(open, /01a1fe16-ba09-7d56-9bf7-ebc6bcfc66ce/)
    assert.match(open, /K6_AUTO_EXTENSION_RESOLUTION=false k6 run/)
    assert.doesNotMatch(open, /commits are durable/)
  })

  test('the card of a scenario names the check that failed, and the row of a law has room', () => {
    const page = reportHtml(FAILING)
    const [, card = ''] = page.split('<article class="card" id="scenario-concurrent-checkout">')
    assert.match(card.split('</article>')[0] ?? '', /<ul class="open">.*FAIL.*50 of 50 tickets are sold/s)
    const [, after = ''] = page.split('<h2 id="guarantees">')
    assert.doesNotMatch(after.split('</table>')[0] ?? '', /class="witness"/)
    assert.match(after, /href="#witness-never_oversold".*<h3 id="witness-never_oversold">.*class="witness"/s)
  })

  test('a stage that was skipped says why, and a counter at zero what that means', () => {
    const page = reportHtml(UNCERTAIN)
    assert.match(page, /Skipped: only some scenarios were asked for/)
    assert.match(page, /No sabotage: only some scenarios were asked for/)
    assert.match(page, /<b>0<\/b> buyers told that it is sold out <em>never happened/)
  })

  test('what was left out is named with its reason, in the sentence of a PASS and beside its stage', () => {
    const page = visible(reportHtml(PASSING))
    const [face = '', stages = ''] = page.split('<h2 id="stages">')
    assert.match(
      face,
      /<p class="sentence">.* Left out: last-ticket-duel, refund-and-resell, dashboard-load\./,
    )
    assert.match(stages, /<p>Left out: last-ticket-duel, refund-and-resell \(the profile quick has no time/)
    assert.match(stages, /<p>Left out: dashboard-load \(the database gives no changes\)/)
    assert.match(stages, />1 of 1 checks passed · 4\.5 s</, 'it is no check that passed')
  })

  test('the chart says in words when more was sold than there is, and only then', () => {
    assert.match(reportHtml(FAILING), /<text class="alarm"[^>]*>1 too many</)
    assert.doesNotMatch(reportHtml(PASSING), /too many</)
  })

  test('a chart says in words and as a table what it draws, shades what was broken, and needs no colour to be read', () => {
    const [, card = ''] = reportHtml(PASSING).split('id="scenario-concurrent-checkout">')
    assert.match(card, /role="img" aria-label="50 of 50 places sold or held at the end; never more/)
    assert.match(card, /<rect class="fault" x="\d[^>]*>/)
    assert.match(card, /<\/svg>server killed \(1\)</)
    assert.match(
      card,
      /aria-label="200 answers in 0\.7 s; the slowest window, at 0\.1 s, had a p99 of 434 ms\."/,
    )
    assert.match(card, /<summary>Figures<\/summary><table>.*<th scope="col">p99, ms<\/th>.*<td>434<\/td>/s)
    assert.match(card, /d="M[\d.,MLHVZ-]+"/)
    assert.doesNotMatch(card, /NaN|Infinity|undefined/)
  })

  test('a run of any size makes a page of less than 1 MB', () => {
    const [scenario] = PASSING.scenarios
    assert.ok(scenario?.stock)
    const taken = Array.from({ length: 201 }, (_, at) => ({ ms: at * 997, taken: at % 51, sold: at % 50 }))
    const timeline = Array.from({ length: 60 }, (_, at) => ({
      ms: at * 997,
      count: 997,
      p50: 1,
      p95: 99,
      p99: 999,
    }))
    const scenarios = Array.from({ length: 24 }, (_, at) => ({
      ...scenario,
      name: `scenario-${at}`,
      stock: { total: 50, taken },
      timeline,
    }))
    assert.ok(reportHtml({ ...PASSING, scenarios }).length < 1_000_000)
  })

  test('what passed is folded away, and what did not stands open', () => {
    const folds = (page: string) => page.split('<h2 id="scenarios">')[1]?.split('<h2 id="health">')[0] ?? ''
    assert.match(folds(reportHtml(PASSING)), /<details><summary>50 of 50 tickets sold/)
    assert.match(folds(reportHtml(FAILING)), /<details open><summary>51 of 50 tickets sold/)
    assert.match(
      reportHtml(PASSING),
      /<details><summary><code>never-oversold<\/code> 4 of 4 ended as expected/,
    )
    assert.match(reportHtml(FAILING), /<details open><summary><code>never-oversold<\/code> 3 of 4/)
    assert.match(reportHtml(PASSING), /<details><summary>2 of 2 races passed/)
  })

  test('health, answer times, errors, capacity and readiness have their figures, and say what was not measured', () => {
    const page = reportHtml(PASSING)
    const [, points = ''] = page.split('<h2 id="readiness">')
    assert.match(points, /1 of 2 points pass, 1 NOT SHOWN\..*nothing of it ran in this run/s)
    const [, health = ''] = page.split('<h2 id="health">')
    assert.match(health, />checkout<.*<div>113<small>at most 2,000<\/small><small>usual 1,600</s)
    assert.match(health, /webhook-burst did not run, or did not measure it/)
    assert.match(health, /<code>server_error<\/code>.*<div>0<small>of 200</s)
    assert.match(health, /INSUFFICIENT_TICKETS<\/span> <b>150</)
    assert.match(health, /hold expiration rate.*not computed.*nothing was held over HTTP in this run/s)
    assert.match(health, /<code>ticket_holds<\/code>.*<div>857<.*<div>57\u00a0%<.*<div>never</s)
    const { health: _, answerTimes, ...rest } = PASSING
    assert.match(reportHtml(rest), /Not measured: nothing was measured/)
  })

  test('the bound is three in the attempts that were refused, and none is given for what was not tried', () => {
    const [, shown = ''] = reportHtml(PASSING).split('<h2 id="shown">')
    assert.match(shown, /never-oversold<.*<div>150<.*<div>0<.*<div>2\.0 %</)
    assert.match(shown, /same-request-same-answer<.*<div>nothing is shown</)
    assert.match(reportHtml(FAILING), /<div>148<.*<div>1<.*<div>it broke</)
  })
})

test('what happened once stands in the singular', () => {
  for (const [many, one] of [
    ['refunds by staff', 'refund by staff'],
    ['full refunds in the dashboard', 'full refund in the dashboard'],
    ['server kills', 'server kill'],
    ['races lost', 'race lost'],
    ['race won', 'race won'],
  ] as const) {
    assert.deepEqual([inNumber(many, 1), inNumber(many, 2)], [one, many])
  }
})

suite('the verdict in a terminal', () => {
  const plain = (results: Results, columns: number) => verdictText(results, { columns, color: false })

  for (const [name, results] of Object.entries(EXAMPLES)) {
    for (const columns of [40, 80, 120]) {
      test(`${name}: no line is wider than ${columns} columns`, () => {
        const wide = plain(results, columns)
          .split('\n')
          .filter((line) => stringWidth(line) > columns)
        assert.deepEqual(wide, [])
      })
    }

    test(`${name}: without colour there is no control character, with colour there is nothing else`, () => {
      const text = plain(results, 80)
      assert.doesNotMatch(text, /(?!\n)\p{Cc}|\u202e/u)
      const colored = verdictText(results, { columns: 80, color: true })
      assert.notEqual(colored, text)
      const words = (lines: string) => lines.split('\n').map((line) => line.trim())
      assert.deepEqual(words(stripVTControlCharacters(colored)), words(text))
    })

    test(`${name}: it ends with the verdict`, () => {
      const [, banner] = plain(results, 80).split(/\n━+\n/)
      assert.match(banner ?? '', new RegExp(`^. ${results.verdict}\n`))
    })
  }

  test('every guarantee has its line', () => {
    const text = plain(PASSING, 80)
    assert.match(text, /1 {2}never-oversold +✓ PASS +19 of 19 +0 +4 of 4/)
    assert.match(text, /7 {2}same-request-same-answer +– NOT SHOWN +3 of 3 +0 +none/)
  })

  test('a scenario tells what happened, in one line where there is room', () => {
    const figures = '50 of 50 tickets sold, 150 buyers told that it is sold out, p95 214 ms'
    assert.ok(plain(PASSING, 80).includes(`\n    ${figures}\n`))
    assert.match(plain(FAILING, 80), /51 of 50 tickets sold/)
    assert.ok(plain(PASSING, 120).includes(`concurrent-checkout  k6 v1.8.1  ✓ PASS   ${figures}\n`))
  })

  test('what was left out is named under the scenarios, and by a PASS', () => {
    for (const results of [PASSING, FAILING, UNCERTAIN]) {
      const text = plain(results, 120)
      assert.match(
        text,
        /\n {2}Left out: last-ticket-duel, refund-and-resell \(the profile quick has no time/,
      )
      assert.match(text, /\n {2}Left out: dashboard-load \(the database gives no changes\)\n/)
    }
    const [, banner = ''] = plain(PASSING, 120).split(/\n━+\n/)
    assert.match(
      banner.replaceAll('\n', ' '),
      /as expected\. Left out: last-ticket-duel, refund-and-resell, dashboard-load\./,
    )
  })

  test('a race has one line for all its levels', () => {
    assert.match(plain(PASSING, 80), /\n {2}last ticket +34 of 40 +6 +✓ PASS\n/)
    assert.match(plain(PASSING, 120), /\n {2}last ticket +34 of 40 +6 +0 +18 +✓ PASS\n/)
    assert.match(plain(UNCERTAIN, 80), /Interleavings\n {2}none: another scenario was asked for/)
  })

  test('the sabotage is summed up by kind', () => {
    assert.match(
      plain(PASSING, 80),
      /one refusing .* survived +2 of 2\n.*one counting .* caught +1 of 1\n.*all refusing .* 1 of 1/,
    )
    assert.match(plain(FAILING, 80), /all refusing protections taken away +caught +0 of 1/)
    assert.match(plain(UNCERTAIN, 80), /Sabotage\n {2}none: only some scenarios were asked for/)
  })

  test('a failure comes with its witness and the command that shows it again', () => {
    const text = plain(FAILING, 80)
    assert.match(text, /✗ FAIL {2}HTTP load: concurrent-checkout: 50 of 50 tickets are sold\n {2}51 tickets/)
    assert.match(text, /"id": "01a1fe16-ba09-7d56-9bf7-ebc6bcfc66ce"/)
    assert.match(text, /see it again\nK6_AUTO_EXTENSION_RESOLUTION=false k6 run/)
    assert.match(text, /see it again\nnpx admit-once prove --profile quick --seed 42\n/)
  })

  test('what failed is told before what could not be shown', () => {
    const results = structuredClone(UNCERTAIN)
    results.stages[2]?.checks.push({ name: 'a law', verdict: 'FAIL', detail: 'one row' })
    const text = plain({ ...results, verdict: 'FAIL' }, 80)
    assert.ok(text.indexOf('✗ FAIL  Sabotage: a law') < text.indexOf('? INCONCLUSIVE  HTTP load'))
    assert.match(text, /✗ FAIL\nSabotage: a law \(one row\)\n/)
  })

  test('a reason that no check of a stage gives is told beside the verdict', () => {
    const reasons = [...FAILING.reasons, 'the clock went backwards']
    assert.match(plain({ ...FAILING, reasons }, 80), /━\nthe clock went backwards\nNOT SHOWN/)
  })

  test('a command that is broken into lines gives a shell the same words', () => {
    const commands = [
      COMMAND,
      `say ${'one \\\\ '.repeat(40)} '${'one two '.repeat(30)}' "a \\" b ${'c'.repeat(150)}" \\  ${'d\\ '.repeat(60)}`,
    ]
    for (const command of commands)
      for (const columns of [40, 80, 120]) {
        const lines = commandLines(command, columns)
        assert.ok(lines.length > 1 && lines.every((line) => line.length <= columns), lines.join('\n'))
        assert.equal(wordsOf(lines.join('\n')), wordsOf(command))
      }
  })

  test('a terminal gives two cells to East Asian characters and to emoji, and none to marks', () => {
    const widths = { abc: 3, 座席: 4, Zoë: 3, 'e\u0301': 1, '🎫': 2, '👩‍👩‍👧': 2, '…—✓': 3, ｶﾅ: 2, 한국: 4 }
    for (const [text, width] of Object.entries(widths)) assert.equal(stringWidth(text), width, text)
  })
})

function rowsOf(page: string, style: string): number {
  return [...page.matchAll(new RegExp(`<table class="${style}"[\\s\\S]*?</table>`, 'g'))]
    .map(([table]) => table.match(/<th role="rowheader"/g)?.length ?? 0)
    .reduce((sum, rows) => sum + rows, 0)
}

function wordsOf(command: string): string {
  const script = `words() { for word in "$@"; do printf '<%s>' "$word"; done; }\nwords ${command.replace(/^K6_\S+/, 'k6')}`
  return execFileSync('sh', ['-c', script], { encoding: 'utf8' })
}
