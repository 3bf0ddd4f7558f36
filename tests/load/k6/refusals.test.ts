import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startServer, type TestServer } from './server.ts'
import { builtIn } from './support.ts'

/** What the built-in runner cannot do, and what it must say instead of ignoring it. */
const refusals: readonly (readonly [part: string, says: RegExp, script?: string])[] = [
  ['option', /does not support the option 'dns': use scenarios, vus,/],
  ['statistic', /summaryTrendStats has 'mean': use avg, min, med, max, count, p\(0\.\.100\)/],
  ['parameter', /does not support the authentication 'digest': use 'basic'/],
  ['selector', /does not support the selector 'items\.\*\.id'/],
  ['page selector', /does not support the selector 'p:first'/],
  ['element', /does not support element\.isEqualNode\(\): use getAttribute\(\)/],
  ['blob', /does not support a binary message as a Blob: set `binaryType = 'arraybuffer'`/],
  ['socket parameter', /does not support the WebSocket parameter 'jar': use headers, tags, compression/],
  ['module', /does not support the module 'k6\/net\/grpc': use k6, k6\/http,/, 'refused-module.ts'],
  [
    'executor',
    /does not support the executor 'externally-controlled' of the scenario 'outside': use shared-iterations,/,
    'refused-executor.ts',
  ],
  [
    'remote module',
    /does not support the module 'https:.*': download it beside the script/,
    'refused-remote.js',
  ],
  ...blockingRefusals(),
]

/** Of scripts that block. */
function blockingRefusals(): [part: string, says: RegExp, script: string][] {
  const script = 'refused-blocking.js'
  return [
    ['parameter', /does not support the request parameter 'proxy': use headers,/, script],
    ['login', /does not support the authentication 'digest': use 'basic'/, script],
    ['compression', /does not support the compression 'zstd': use gzip, deflate, br/, script],
    ['selector', /does not support the selector 'items\.#\(id==7\)'/, script],
    ['element', /does not support element\.href\(\): use getAttribute\(\)/, script],
    ['callback', /does not support a response callback of your own: use http\.expectedStatuses/, script],
    ['require', /does not support require\('k6\/http'\): use `import`/, script],
  ]
}

/** What stands in a script, though nothing may ever reach it. */
const namedInScripts: readonly (readonly [line: string, says: RegExp])[] = [
  ['if (r.status === 0) crypto.subtle.digest', /does not support crypto\.subtle/],
]

const folder = mkdtempSync(join(tmpdir(), 'admit-once-refusals-'))

function requestsOf({ requests }: TestServer, at: number): number {
  return requests.filter((request) => request === `GET /named/${at}`).length
}

const runTimeoutMs = 30_000
const runsAtOnce = 4

describe('the built-in runner refuses by name, whatever the script does about it', {
  concurrency: runsAtOnce,
}, () => {
  let server: TestServer

  before(async () => {
    server = await startServer()
  })
  after(async () => {
    rmSync(folder, { recursive: true })
    await server[Symbol.asyncDispose]()
  })

  for (const [part, says, script = 'refused.ts'] of refusals) {
    it(`${part} in ${script}`, async () => {
      const run = await builtIn.run({
        script: join(import.meta.dirname, 'scripts', script),
        env: { BASE_URL: server.url, PART: part },
        timeoutMs: runTimeoutMs,
      })
      assert.equal(run.exitCode, 104, run.output)
      assert.match(run.output, says)
    })
  }

  for (const [at, [line, says]] of namedInScripts.entries()) {
    it(`before the first request: ${line}`, async () => {
      const script = join(mkdtempSync(join(folder, 'script-')), 'named.js')
      const source = (code: string) =>
        `import http from 'k6/http'; export default () => { const r = http.get(__ENV.BASE_URL + '/named/${at}'); ${code} }`
      const run = async (code: string) => {
        writeFileSync(script, source(code))
        return await builtIn.run({ script, env: { BASE_URL: server.url }, timeoutMs: runTimeoutMs })
      }
      const refused = await run(line)
      assert.equal(refused.exitCode, 104, refused.output)
      assert.match(refused.output, says)
      assert.equal(requestsOf(server, at), 0)
      const inComment = await run(`// ${line}\n return "${line.replaceAll('"', '')}"`)
      assert.equal(inComment.exitCode, 0, inComment.output)
      assert.equal(requestsOf(server, at), 1)
    })
  }

  it('and runs the same script when nothing of it is refused', async () => {
    const script = join(import.meta.dirname, 'scripts', 'refused.ts')
    const run = await builtIn.run({ script, env: {}, timeoutMs: runTimeoutMs })
    assert.equal(run.exitCode, 0, run.output)
  })
})
