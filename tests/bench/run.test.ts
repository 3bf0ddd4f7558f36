import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { pgbenchContestant } from '../../src/bench/pgbench.ts'
import type { BenchDatabase, Contestant, Ledger, Question, World } from '../../src/bench/question.ts'
import { openRivals, RIVALS } from '../../src/bench/questions/rivals.ts'
import { runQuestion } from '../../src/bench/run.ts'
import { openTiers, tierLedger } from '../../src/bench/sale.ts'
import { resultText } from '../../src/bench/table.ts'
import { findPgbench } from '../../src/load/pgbench/find.ts'
import { testDatabase } from '../support/database.ts'

const pgbench = await findPgbench()
const PLAIN = { columns: 80, color: false }
const NO_PGBENCH = pgbench === undefined ? 'no pgbench' : false

const database = await testDatabase()
const folder = await mkdtemp(join(tmpdir(), 'admit-once-bench-test-'))
await database.client.query('create table made (by text not null)')
after(() => rm(folder, { recursive: true, force: true }))

/** What a question here may use; the rest it does not ask for. */
function worldOf(signal = new AbortController().signal): World {
  return { seconds: 1, signal, pgbench, folder, client: database.client } as Partial<World> as World
}

const runWith = (question: Question, rounds: number, seen: string[] = [], closed: string[] = []) =>
  runQuestion(question, {
    version: '0.0.0',
    rounds,
    seconds: 1,
    report: (step, detail) => seen.push(detail === undefined ? step : `${step}: ${detail}`),
    openWorld: () => ({
      world: worldOf(),
      close: async () => {
        closed.push('closed')
      },
    }),
  })

/** Writes one row a window, and says that it wrote `says`. */
function writer(name: string, says = 1): Contestant {
  return {
    name,
    label: name.toUpperCase(),
    run: async () => {
      await database.client.query('insert into made values ($1)', [name])
      return { answered: says, inTime: says, seconds: 1 }
    },
  }
}

function ledgerOf(name: string, counter = 0): Ledger {
  const sql = 'select count(*)::int as rows, count(*)::int + $2 as counter from made where by = $1'
  return {
    label: name.toUpperCase(),
    of: [name],
    count: async () =>
      (await database.rows<{ rows: number; counter: number }>(sql, [name, counter]))[0] ?? { rows: -1 },
  }
}

function questionOf(
  contestants: readonly Contestant[],
  ledgers: readonly Ledger[],
  more: Partial<Question> = {},
) {
  const [a = '', b = ''] = contestants.map(({ name }) => name)
  return {
    name: 'made',
    asks: 'Does it add up?',
    seconds: 1,
    ratios: [{ name: 'a_over_b', label: 'A : B', of: [a, b] }],
    open: async () => ({ contestants, ledgers }),
    ...more,
  } satisfies Question
}

describe('a run', () => {
  it('gives every contestant a window in each round, in an order that turns, and counts the rows', async () => {
    const [seen, closed]: [string[], string[]] = [[], []]
    const names = ['a', 'b', 'c']
    const question = questionOf(
      names.map((name) => writer(name)),
      names.map((name) => ledgerOf(name)),
    )
    const result = await runWith(question, 3, seen, closed)
    const turns = [1, 2, 3].map((round) =>
      seen.filter((text) => text.startsWith(`round ${round} of 3`)).map((text) => text.at(-1)),
    )
    assert.deepEqual(turns, [
      ['A', 'B', 'C'],
      ['B', 'C', 'A'],
      ['C', 'A', 'B'],
    ])
    assert.deepEqual(result.ratios['a_over_b']?.rounds, [1, 1, 1])
    assert.deepEqual(closed, ['closed'])
    assert.equal(result.machine.postgres.fsync.length > 0, true)
    const text = resultText(question, result, PLAIN, undefined)
    assert.match(text, /A : B +1\.00 +1\.00–1\.00/)
    assert.equal(Math.max(...text.split('\n').map((line) => line.length)) <= 80, true, text)
    assert.match(resultText(question, result, PLAIN, result), /before/)
    const painted = resultText(question, result, { ...PLAIN, color: true }, undefined)
    assert.notEqual(painted, text)
    assert.equal(stripVTControlCharacters(painted), text)
  })

  it('has a world for each round where each must be fresh', async () => {
    const closed: string[] = []
    const question = questionOf([writer('f')], [], { isFreshEachRound: true })
    await runWith(question, 2, [], closed)
    assert.deepEqual(closed, ['closed', 'closed'])
  })

  const BROKEN: readonly (readonly [string, Contestant, Ledger, RegExp])[] = [
    [
      'a row that nobody was told of',
      writer('d', 0),
      ledgerOf('d'),
      /^D: .* 0 successes, 1 rows, counter 1\./,
    ],
    ['a success without a row', writer('e', 2), ledgerOf('e'), /^E: .* 2 successes, 1 rows, counter 1\./],
    ['a counter that says less', writer('g'), ledgerOf('g', -1), /^G: .* 1 successes, 1 rows, counter 0\./],
  ]
  for (const [what, contestant, ledger, words] of BROKEN)
    it(`${what}: no figure at all, and all that was opened is closed`, async () => {
      const closed: string[] = []
      const question = questionOf([writer('fine'), contestant], [ledger])
      await assert.rejects(runWith(question, 1, [], closed), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'ROWS_DO_NOT_ADD_UP')
        assert.match(error.message, words)
        return true
      })
      assert.deepEqual(closed, ['closed'])
    })
})

describe('what rivals do', { skip: NO_PGBENCH }, () => {
  it('adds up, row by row; a row that nobody was told of is seen', async () => {
    const { contestants, ledgers } = await openRivals(worldOf(), database as BenchDatabase)
    assert.deepEqual(
      contestants.map(({ name }) => name),
      RIVALS.map(({ name }) => name),
    )
    const window = { round: 0, seconds: 1, signal: new AbortController().signal }
    const answered = new Map<string, number>()
    // All of them at once are more clients than PostgreSQL has connections.
    for (const some of [contestants.slice(0, 3), contestants.slice(3)])
      await Promise.all(
        some.map(async ({ name, prepare, run }) => {
          await prepare?.(window)
          answered.set(name, (await run(window)).answered)
        }),
      )
    for (const { label, of, count } of ledgers) {
      const { rows, counter = rows } = await count()
      assert.deepEqual([rows, counter], [answered.get(of[0] ?? ''), rows], label)
    }
    const inserts = ledgers.find(({ of }) => of.includes('insert_then_update_50'))
    const told = await inserts?.count()
    await database.client.query(
      'insert into rival.hold (tier_id) select id from rival.tier where id between 2001 and 2999',
    )
    const { rows, counter } = (await inserts?.count()) ?? {}
    assert.deepEqual([rows, counter], [(told?.rows ?? 0) + 1, told?.counter])
  })

  it('and what holds of a tier does, by the rows and by the counter', async () => {
    const tierId = (await openTiers(database as BenchDatabase, ['floor']))('floor')
    const contestant = await pgbenchContestant(worldOf(), database.url, {
      name: 'holds',
      label: 'holds',
      clients: 2,
      sql: 'select reserve_tickets_atomically(:tier_id, 1);',
      defines: () => ({ tier_id: tierId }),
    })
    const { answered } = await contestant.run({ round: 0, seconds: 1, signal: new AbortController().signal })
    const ledger = tierLedger(database as BenchDatabase, [tierId], 'holds', ['holds'])
    assert.deepEqual(await ledger.count(), { rows: answered, counter: answered })
    await database.client.query(
      `update ticket_holds set status = 'released' where id = (select id from ticket_holds limit 1)`,
    )
    assert.deepEqual(await ledger.count(), { rows: answered, counter: answered })
    await database.client.query('set session_replication_role = replica')
    await database.client.query('alter table ticket_tiers disable trigger all')
    await database.client.query(
      'update ticket_tiers set reserved_quantity = reserved_quantity - 1 where id = $1',
      [tierId],
    )
    assert.deepEqual(await ledger.count(), { rows: answered, counter: answered - 1 })
  })
})
