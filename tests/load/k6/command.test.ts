import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { readArguments } from '../../../src/load/k6/runner/arguments.ts'
import { startServer, type TestServer } from './server.ts'

const command = join(import.meta.dirname, '../../../bin/admit-once.js')
const scripts = join(import.meta.dirname, 'scripts')
const folder = mkdtempSync(join(tmpdir(), 'admit-once-k6-command-'))
const runMsMax = 60_000
/** Two presses, and not one that arrives twice. */
const pressesApartMs = 600

describe('admit-once k6 run', { concurrency: 3 }, () => {
  let server: TestServer

  before(async () => {
    server = await startServer()
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  const start = (script: string, ...flags: readonly string[]) =>
    spawn(execPath, [command, 'k6', 'run', join(scripts, script), ...flags], {
      env: { ...process.env, BASE_URL: server.url },
      timeout: runMsMax,
    })
  const run = async (script: string, ...flags: readonly string[]) => {
    const child = start(script, ...flags)
    const [stdout, stderr, [exitCode]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'exit'),
    ])
    return { exitCode, stdout, stderr, said: `${stdout}\n${stderr}` }
  }

  it('gives the script the variables of its caller, and prints the summary of k6', async () => {
    const { exitCode, stdout, said } = await run('blocking/login-flow.js')
    assert.equal(exitCode, 0, said)
    for (const line of [
      /^ {2}█ THRESHOLDS$/m,
      /^ {4}✓ 'rate==1' rate=100\.00%$/m,
      /^ {2}█ TOTAL RESULTS$/m,
      /^ {4}checks_total\.+: 10 {2}[\d.]+\/s$/m,
      /^ {4}checks_succeeded\.+: 100\.00% 10 out of 10$/m,
      /^ {4}█ buy\n\n {6}✓ the token went along$/m,
      /^ {4}http_req_duration\.+: avg=[\d.]+(µs|ms|s) min=.* p\(95\)=/m,
      /^ {6}\{ expected_response:true \}\.+: avg=/m,
      /^ {4}http_req_failed\.+: 0\.00% {2}0 out of 16$/m,
      /^ {4}iterations\.+: 4 {2}[\d.]+\/s$/m,
      /^ {4}data_received\.+: [\d.]+ k?B {2}[\d.]+ k?B\/s$/m,
    ])
      assert.match(stdout, line, said)
  })

  it('lets flags go before the script’s own options', async () => {
    const exported = join(folder, 'summary.json')
    const samples = join(folder, 'samples.json')
    const { exitCode, stdout, said } = await run(
      'blocking/smoke.js',
      ...['-u', '3', '-i', '5', '--tag', 'hall=main', '--quiet', '--no-thresholds'],
      ...['--summary-export', exported, '--out', `json=${samples}`, '--summary-trend-stats', 'avg,p(99)'],
    )
    assert.equal(exitCode, 0, said)
    assert.doesNotMatch(stdout, /running|THRESHOLDS/)
    const { metrics, root_group } = JSON.parse(readFileSync(exported, 'utf8'))
    assert.equal(metrics.iterations.count, 5)
    assert.equal(metrics.checks.value, 1)
    assert.deepEqual(Object.keys(metrics.http_req_duration), ['avg', 'p(99)'])
    assert.equal(root_group.checks['status is 200'].passes, 5)
    const lines = readFileSync(samples, 'utf8').trimEnd().split('\n')
    const points = lines.map((line) => JSON.parse(line)).filter(({ type }) => type === 'Point')
    const requests = points.filter(({ metric }) => metric === 'http_reqs')
    assert.equal(requests.length, 5)
    assert.equal(requests[0].data.tags.hall, 'main')
    assert.equal(requests[0].data.tags.status, '200')
  })

  it('tells no password of an address, neither in samples nor in the log', async () => {
    const { exitCode, said } = await run('blocking/passwords.js', '--out', 'json=-')
    assert.equal(exitCode, 0, said)
    assert.match(said, /"url":"http:\/\/\*\*\*\*:\*\*\*\*@127\.0\.0\.1:\d+\/status\/200"/)
    assert.match(said, /"name":"http:\/\/\*{4}:\*{4}@127/)
    assert.match(said, /Request Failed: GET http:\/\/\*{4}:\*{4}@127\.0\.0\.1:1\/: dial: connection refused/)
    assert.doesNotMatch(said, /secret/)
  })

  it('loses no sample and no summary where its reader is slow', async () => {
    const child = start('samples.ts', '--out', 'json=-', '--quiet')
    await once(child.stderr, 'data')
    const said = await text(child.stdout)
    assert.equal(said.match(/"metric":"seats","type":"Point"/g)?.length, 20_000)
    assert.match(said, /seats\.+: 20000/)
  })

  it('exports a threshold that was crossed as true, and exits with 99', async () => {
    const exported = join(folder, 'crossed.json')
    const { exitCode, stdout, said } = await run('blocking/breaking.js', '--summary-export', exported)
    assert.equal(exitCode, 99, said)
    assert.match(stdout, /^ {4}✗ 'rate<0\.1' rate=100\.00%$/m)
    assert.match(stdout, /^ {4}✗ status is 200\n {6}↳ {2}0\.00% — ✓ 0 \/ ✗ \d+$/m)
    const { thresholds } = JSON.parse(readFileSync(exported, 'utf8')).metrics['http_req_failed{page:broken}']
    assert.deepEqual(thresholds, { 'rate<0.1': true })
  })

  it('keeps the caller’s variables out where it is asked to', async () => {
    const { said } = await run('blocking/smoke.js', '--no-include-system-env-vars', '-i', '2')
    assert.match(said, /✗ status is 200/)
  })

  for (const script of ['printing.ts', 'blocking/printing.js']) {
    it(`puts what ${script} prints into a file, line by line as it is, behind what is there`, async () => {
      const file = join(folder, `${script.replace('/', '-')}.log`)
      for (const _ of ['once', 'and again']) {
        const { exitCode, said } = await run(script, '--console-output', file, '--log-format', 'raw')
        assert.equal(exitCode, 0, said)
        assert.doesNotMatch(said, /100%|sold 2/)
      }
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
      assert.equal(lines.length, 16)
      assert.equal(lines.filter((line) => line === 'sold 2').length, 8)
      const objects = lines.filter((line) => line !== 'sold 2').map((line) => JSON.parse(line))
      assert.deepEqual(
        objects.map(({ share }) => share),
        Array(8).fill('100%'),
      )
    })
  }

  it('has the forms of k6’s log, and no other', async () => {
    const json = await run('printing.ts', '--log-format', 'json')
    assert.match(json.stderr, /^\{"level":"warning","msg":"sold 2","time":"[^"]+"\}$/m)
    const text = await run('printing.ts')
    assert.match(text.stderr, /^time="[^"]+" level=warning msg="sold 2"$/m)
    const other = await run('printing.ts', '--log-format', 'pretty')
    assert.equal(other.exitCode, 104)
    assert.match(other.stderr, /--log-format pretty.*use text, json, raw/)
  })

  it('stops and summarizes at a Ctrl-C, also when it arrives twice', async () => {
    const child = start('endless.ts')
    const said = text(child.stdout)
    await server.seen('/hang')
    child.kill('SIGINT')
    child.kill('SIGINT')
    const [exitCode] = await once(child, 'exit')
    assert.equal(exitCode, 105)
    assert.match(await said, /TOTAL RESULTS/)
  })

  it('ends at the second Ctrl-C, busy as the script may be', async () => {
    const child = start('busy.ts')
    await server.seen('/busy')
    child.kill('SIGINT')
    await setTimeout(pressesApartMs)
    child.kill('SIGINT')
    const [exitCode] = await once(child, 'exit')
    assert.equal(exitCode, 105)
  })

  it('says what is wrong with what it is asked', async () => {
    for (const [script, flags, code, says] of [
      ['blocking/smoke.js', ['--nope'], 3, /Unknown option '--nope'/],
      ['blocking/smoke.js', ['--out', 'cloud'], 104, /does not support --out cloud: use --out json=<file>/],
      ['blocking/smoke.js', ['--stage', 'soon'], 104, /--stage must be duration:target, like 30s:10/],
      ['blocking/smoke.js', ['--vus', 'many'], 104, /--vus must be a whole number, not 'many'/],
      [
        'blocking/smoke.js',
        ['--summary-trend-stats', 'avg,p99'],
        104,
        /summaryTrendStats has 'p99': use avg,/,
      ],
      ['blocking/smoke.js', ['--summary-trend-stats', 'p(101)'], 104, /summaryTrendStats has 'p\(101\)'/],
      ['nowhere.js', [], 107, /nowhere\.js is not a file/],
    ] as const) {
      const { exitCode, said } = await run(script, ...flags)
      assert.equal(exitCode, code, said)
      assert.match(said, says)
      assert.doesNotMatch(said, /VUs/)
    }
  })
})

describe('the flags of k6 run', () => {
  const overridesOf = (...flags: readonly string[]) => readArguments(['a.js', ...flags], () => ({})).overrides

  it('replace the script’s scenarios as a whole', () => {
    const { scenarios, stages, duration, vus } = overridesOf('--vus', '3', '--duration', '10s')
    assert.deepEqual(
      { scenarios, stages, duration, vus },
      { scenarios: undefined, stages: undefined, duration: '10s', vus: 3 },
    )
    assert.ok('scenarios' in overridesOf('-i', '1'))
    assert.ok(!('scenarios' in overridesOf('-u', '1')))
  })

  it('take stages one by one, or in a list', () => {
    const wanted = [
      { duration: '10s', target: 5 },
      { duration: '1m30s', target: 0 },
    ]
    assert.deepEqual(overridesOf('-s', '10s:5', '-s', '1m30s:0')['stages'], wanted)
    assert.deepEqual(overridesOf('--stage', '10s:5,1m30s:0')['stages'], wanted)
  })

  it('turn off what a script asks for', () => {
    assert.deepEqual(overridesOf('--no-setup', '--no-thresholds', '--no-connection-reuse'), {
      noSetup: true,
      thresholds: {},
      noConnectionReuse: true,
    })
  })
})
