import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Question } from '../../src/bench/question.ts'
import { memory } from '../../src/bench/questions/memory.ts'
import { residentMiB, withResident } from '../../src/bench/resident.ts'
import { resultOf, type Sample } from '../../src/bench/result.ts'
import { resultText } from '../../src/bench/table.ts'

const MIB = 1024 * 1024
const NOT_LINUX = platform() === 'linux' ? false : 'read from /proc'

/** Its child takes 300 MiB when that is asked for. */
const HUNGRY = `
  import { fork } from 'node:child_process'
  process.on('disconnect', () => process.exit())
  if (process.argv[2] === 'child') {
    globalThis.kept = Buffer.alloc(300 * ${MIB}, 1)
    process.send('taken')
  } else {
    process.on('message', () => {
      fork(process.argv[1], ['child']).on('message', (taken) => process.send(taken))
    })
    process.send('ready')
  }`

describe('resident memory', { skip: NOT_LINUX }, () => {
  it('is that of a process and of all that came of it, and nothing of one that has ended', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'admit-once-memory-test-'))
    const file = join(folder, 'hungry.mjs')
    await writeFile(file, HUNGRY)
    const child = fork(file)
    try {
      await once(child, 'message')
      const before = (await residentMiB(child.pid)) ?? 0
      assert.ok(before > 0)
      child.send('take')
      await once(child, 'message')
      const after = (await residentMiB(child.pid)) ?? 0
      assert.ok(after - before > 200, `${before} MiB, then ${after}`)
      const { came, meanMiB = 0 } = await withResident(child.pid, Promise.resolve('done'))
      assert.equal(came, 'done')
      assert.ok(meanMiB > 200)
      await assert.rejects(withResident(child.pid, Promise.reject(new Error('failed'))), /^Error: failed$/)
    } finally {
      child.disconnect()
      await once(child, 'exit')
      await rm(folder, { recursive: true })
    }
    assert.equal(await residentMiB(child.pid), undefined)
    assert.equal(await residentMiB(undefined), undefined)
  })
})

describe('what comes out', () => {
  const sample = (maxMs: number, residentMiB: number): Sample => ({
    perSecond: 1000,
    p50Ms: 10,
    p99Ms: 20,
    maxMs,
    residentMiB,
    cpuMs: 1,
    cores: { load: 0.1, server: 0.5, postgres: 1 },
  })
  const machine = { cores: 2, load: { before: [], after: [] }, postgres: {} } as never
  const textOf = (question: Question, last: number) => {
    const rates = ['window_2', 'window_10'].map((name, at) => ({
      name,
      label: name,
      samples: [sample(900, at === 0 ? 200 : last), sample(1234, at === 0 ? 200 : last)],
    }))
    const result = resultOf(question, { version: '1', rounds: 2, seconds: 1, machine, rates, missing: [] })
    return resultText(question, result, { columns: 80, color: false }, undefined)
  }

  it('memory that stays is told from memory that grows', () => {
    assert.match(textOf(memory, 210), /last window : second +1\.05 .*✓ ≤ 1\.1/)
    assert.match(textOf(memory, 240), /last window : second +1\.20 .*✗ ≤ 1\.1/)
  })

  it('and the oldest request of all rounds stands beside it, where the question is about that', () => {
    assert.match(textOf(memory, 240), /oldest ms +MiB[\s\S]*window_10 .* 1,234 +240 /)
    assert.doesNotMatch(textOf({ ...memory, columns: [] }, 240), /oldest|MiB *CPU/)
  })
})
