import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'

const action = readFileSync('action.yml', 'utf8')
/** The shell lines of the action's steps: a block that is indented deeper than its `run`. */
const [install = '', ...steps] = [...action.matchAll(/^ {6}run: \|\n((?: {8}.*\n|\n)+)/gm)].map(
  ([, block = '']) => block.replaceAll(/^ {8}/gm, ''),
)
const folder = mkdtempSync(join(tmpdir(), 'admit-once-action-'))
/** What GitHub checks out of an action: the repository, without packages. */
const checkout = join(folder, 'action')
const workspace = join(folder, 'workspace')
after(() => rmSync(folder, { recursive: true, force: true }))

const inShell = (script: string, env: Readonly<Record<string, string>> = {}) =>
  spawnSync('bash', ['-e', '-c', script], {
    cwd: workspace,
    encoding: 'utf8',
    timeout: 120_000,
    env: { ...process.env, GITHUB_ACTION_PATH: checkout, npm_config_prefer_offline: 'true', ...env },
  })

describe('the action', () => {
  before(() => {
    mkdirSync(workspace)
    const { stdout } = spawnSync('git', ['ls-files', '-z'], { encoding: 'utf8' })
    for (const file of stdout.split('\0').filter((name) => name !== '')) cpSync(file, join(checkout, file))
    const { status, stderr } = inShell(install)
    assert.equal(status, 0, stderr)
  })

  const run = (level: string) => {
    const summary = join(folder, `summary-${level}`)
    writeFileSync(summary, '')
    const results = steps.map((step) =>
      inShell(step, {
        ...{ DATABASE_URL: '', LEVEL: level, PROFILE: 'quick' },
        ...{ GITHUB_STEP_SUMMARY: summary, ADMIT_ONCE_HOME: join(folder, 'home') },
      }),
    )
    return { statuses: results.map(({ status }) => status), summary: readFileSync(summary, 'utf8'), results }
  }

  it('proves by its own checkout, says the verdict and leaves the report', () => {
    assert.equal(steps.length, 2)
    const { statuses, summary, results } = run('1')
    assert.deepEqual(statuses, [0, 0], results.map(({ stdout, stderr }) => stdout + stderr).join('\n'))
    assert.match(summary, /✓ PASS\n0 of 10 guarantees held under load, 10 of 10 laws are empty/)
    const [name = ''] = readdirSync(join(workspace, 'results'))
    assert.ok(readdirSync(join(workspace, 'results', name)).includes('report.html'))
  })

  it('fails where the proof could not run, and says that there is no verdict', () => {
    const { statuses, summary } = run('4')
    const [proved, said] = statuses
    assert.notEqual(proved, 0)
    assert.equal(said, 0)
    assert.match(summary, /There is no verdict\./)
  })

  // upload-artifact refuses a name that the workflow's run has already: of another job, or of an earlier attempt.
  it('gives the report of each job, of a matrix too, and of each attempt a name of its own', () => {
    const [, name = ''] = /^ {2}artifact:\n.*\n {4}default: (.+)$/m.exec(action) ?? []
    for (const part of ['github.job', 'strategy.job-index', 'github.run_attempt'])
      assert.ok(name.includes(`\${{ ${part} }}`), `${name} lacks ${part}`)
    assert.match(action, /name: \$\{\{ inputs\.artifact \}\}\n +path: results\n/)
  })

  it('takes no input but what its steps read', () => {
    const [, inputs = ''] = /^inputs:\n((?: .*\n)+)/m.exec(action) ?? []
    const named = [...inputs.matchAll(/^ {2}([\w-]+):$/gm)].map(([, name]) => name)
    assert.deepEqual(
      named.toSorted(),
      [...new Set([...action.matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name))].sort(),
    )
  })
})
