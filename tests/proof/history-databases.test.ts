import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { LedgerRow, Operation } from '../../src/proof/history/format.ts'
import { openHistoryFile } from '../../src/proof/history/read.ts'

const folder = mkdtempSync(join(tmpdir(), 'admit-once-databases-'))
after(() => rmSync(folder, { recursive: true }))

const HEADER = {
  ...{ history: 'admit-once/history/1', run: 'test', seed: 1, command: '' },
  startedAt: new Date(0).toISOString(),
}

/** The nth order of a database, told done, and its row. */
function order(database: string, n: number): readonly [Operation, LedgerRow] {
  const id = `${database} order ${n}`
  const key = `key ${n}`
  return [
    {
      ...{ version: 1, operation: 'checkout', process: 'rush/1', key, intended: n, call: n, return: n + 0.5 },
      ...{ outcome: 'ok', code: 'success', asked: { event: 'event' }, answered: { order: id } },
      ...{ scenario: 'rush', database },
    },
    {
      ...{ version: 1, row: 'order', database, id, sequence: n, event: 'event', key, session: 'ada' },
      status: 'pending',
    },
  ]
}

function written(name: string, lines: readonly object[], textOf: (line: object) => string = JSON.stringify) {
  const file = join(folder, name)
  const rows = lines.filter((line) => 'row' in line).length
  const end = { version: 1, end: true, operations: lines.length - rows, rows }
  writeFileSync(file, `${[HEADER, ...lines, end].map((line) => textOf(line)).join('\n')}\n`)
  return file
}

const NAMES = ['main', 'random-faults 7', 'Bühne "1"'] as const

describe('a history of several databases', () => {
  const lines = [1, 2, 3].flatMap((n) => NAMES.flatMap((name) => order(name, n)))

  for (const [how, textOf] of [
    ['as it is recorded', JSON.stringify],
    ['as somebody else writes JSON', (line: object) => JSON.stringify(line, null, 1).replaceAll('\n', ' ')],
  ] as const)
    it(`is read one database at a time, ${how}`, async () => {
      const { databases, read } = await openHistoryFile(written('mixed', lines, textOf))
      assert.deepEqual([...databases.keys()], NAMES)
      for (const name of NAMES) {
        const { operations, rows } = await read(name)
        assert.deepEqual(
          [operations, rows],
          [1, 2, 3]
            .map((n) => order(name, n))
            .reduce<[Operation[], LedgerRow[]]>(
              ([done, there], [one, row]) => [
                [...done, one],
                [...there, row],
              ],
              [[], []],
            ),
        )
      }
      assert.deepEqual(await read('nowhere'), { operations: [], rows: [] })
    })

  it('has no line of two databases', async () => {
    const file = written('twice', order('main', 1))
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('"database":"main"', '"database":"main","database":"other"'),
    )
    const { read } = await openHistoryFile(file)
    await assert.rejects(read('main'), {
      message: 'HISTORY_LINE_INVALID: line 2, database: it is there twice.',
    })
  })

  it('needs the memory of its largest database: a heap that has no room for all of them judges them', () => {
    const file = join(folder, 'large')
    writeFileSync(file, `${JSON.stringify(HEADER)}\n`)
    for (let n = 1; n <= DATABASES; n++) {
      const orders = Array.from({ length: ORDERS }, (_, at) => order(`database ${n}`, at))
      const all = [...orders.map(([operation]) => operation), ...orders.map(([, row]) => row)]
      appendFileSync(file, `${all.map((line) => JSON.stringify(line)).join('\n')}\n`)
    }
    const orders = DATABASES * ORDERS
    appendFileSync(file, `${JSON.stringify({ version: 1, end: true, operations: orders, rows: orders })}\n`)
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [`--max-old-space-size=${HEAP_MB}`, COMMAND, 'prove', 'check', file],
      { encoding: 'utf8' },
    )
    assert.equal(status, 0, `${stdout}\n${stderr.slice(0, 500)}`)
    assert.match(stdout, /120,000 operations, 120,000 rows of 12\s+databases/)
  })
})

const COMMAND = join(import.meta.dirname, '../../bin/admit-once.js')
const DATABASES = 12
const ORDERS = 10_000
/** One of them takes a tenth of what all do, and the program itself some 30 MB. */
const HEAP_MB = 80
