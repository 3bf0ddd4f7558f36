import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { randomFrom } from '../../../src/core/random.ts'
import { builtIn } from './support.ts'

const runTimeoutMs = 30_000

describe('a seed gives the random numbers of this project', { concurrency: true }, () => {
  const { fraction } = randomFrom(7)
  const wanted = [fraction(), fraction()].join(' and ')
  for (const script of ['seeded.js', 'blocking/seeded.js']) {
    it(`in ${script}`, async () => {
      const file = join(import.meta.dirname, 'scripts', script)
      const { exitCode, output } = await builtIn.run({ script: file, env: {}, timeoutMs: runTimeoutMs })
      assert.equal(exitCode, 0, output)
      assert.ok(output.includes(wanted), output)
    })
  }
})
