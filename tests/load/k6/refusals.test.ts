import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startServer, type TestServer } from './server.ts'
import { builtIn } from './support.ts'

/** What the built-in runner cannot do, and what it must say instead of ignoring it. */
const refusals: readonly (readonly [part: string, says: RegExp, script?: string])[] = [
  ['option', /does not support the option 'dns': use scenarios, vus,/],
  ['statistic', /summaryTrendStats has 'mean': use avg, min, med, max, count, p\(0\.\.100\)/],
  ['sleep', /does not support sleep\(\): write `await new Promise/],
  [
    'http.post',
    /does not support http\.post\(\), which blocks,: scenarios use `await http\.asyncRequest\('POST'/,
  ],
  ['http.batch', /does not support http\.batch\(\), which blocks,: scenarios use `await http\.asyncRequest/],
  ['parameter', /does not support the request parameter 'auth': use headers,/],
  ['selector', /does not support the selector 'items\.#\.id'/],
  ['cookies', /does not support response\.cookies/],
  ['redirect', /does not support following the redirect of http:.*\/redirect/],
  ['digest', /does not support crypto\.subtle/],
  ['weak digest', /does not support crypto\.md5\(\): use sha256\(\) or hmac\(\)/],
  ['module', /does not support the module 'k6\/ws': use k6, k6\/http,/, 'refused-module'],
  [
    'executor',
    /does not support the executor 'externally-controlled' of the scenario 'outside': use shared-iterations,/,
    'refused-executor',
  ],
]

const runTimeoutMs = 30_000
const runsAtOnce = 4

describe('the built-in runner refuses by name, whatever the script does about it', {
  concurrency: runsAtOnce,
}, () => {
  let server: TestServer

  before(async () => {
    server = await startServer()
  })
  after(() => server[Symbol.asyncDispose]())

  for (const [part, says, script = 'refused'] of refusals) {
    it(part, async () => {
      const run = await builtIn.run({
        script: join(import.meta.dirname, 'scripts', `${script}.ts`),
        env: { BASE_URL: server.url, PART: part },
        timeoutMs: runTimeoutMs,
      })
      assert.equal(run.exitCode, 104, run.output)
      assert.match(run.output, says)
    })
  }

  it('and runs the same script when nothing of it is refused', async () => {
    const script = join(import.meta.dirname, 'scripts', 'refused.ts')
    const run = await builtIn.run({ script, env: {}, timeoutMs: runTimeoutMs })
    assert.equal(run.exitCode, 0, run.output)
  })
})
