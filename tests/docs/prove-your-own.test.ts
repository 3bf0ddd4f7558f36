import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, describe, test } from 'node:test'
import { type Command, type Ended, run } from '../cli/support.ts'
import { testDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'

const page = readFileSync('docs/prove-your-own.md', 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'admit-once-target-docs-'))
const ports = { 8080: await freePort(), 8081: await freePort() }
const { url: databaseUrl } = await testDatabase(null)
const shops: Command[] = []
/** Every block of the page, in its order; each must be taken by a test. */
const left = [...page.matchAll(/^```(sh|ts|js)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
  language,
  text: atPorts(text),
}))

describe('who follows "Prove your own shop"', () => {
  after(async () => {
    for (const shop of shops) shop.signal('SIGKILL')
    await Promise.all(shops.map(({ ended }) => ended))
    rmSync(folder, { recursive: true, force: true })
  })

  test('opens the naive shop, and sees it fail', async () => {
    await openShop('naive')
    const ended = await prove('examples/shops/adapter.ts')
    assert.equal(ended.code, 1, ended.stdout + ended.stderr)
    assert.match(ended.stdout, /^ {2}✗ FAIL {2}Purchases: [\w-]+: at most \d+ units are sold$/m)
    assert.match(ended.stdout.replaceAll(/\s+/g, ' '), /both got the last unit/)
  })

  test('opens the sound one, and sees it pass', async () => {
    await openShop('sound')
    const ended = await prove('examples/shops/adapter.ts')
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    assert.match(ended.stdout, /^✓ PASS\n6 of 8 promises held under load/m)
  })

  test('writes an adapter of four functions, and is told what it does not show', async () => {
    writeFileSync(join(folder, 'my-shop.ts'), take('ts', "name: 'My shop'"))
    const one = await prove('prove barrier --target my-shop.ts')
    assert.equal(one.code, 0, one.stdout + one.stderr)
    const all = await prove('prove --target my-shop.ts')
    assert.equal(all.code, 0, all.stdout + all.stderr)
    const said = all.stdout.replaceAll(/\s+/g, ' ')
    assert.match(
      said,
      /NOT SHOWN: counter-agrees \(`truth` does not say what the system believes is `left`\)/,
    )
  })

  test('loads a system elsewhere with --yes alone', async () => {
    const elsewhere = take('sh', 'staging.example.com')
    const refused = await shell(elsewhere.replace(' --yes', ''))
    assert.equal(refused.code, 3)
    assert.match(refused.stderr, /^NOT_CONFIRMED: staging.example.com is not this machine\. --yes says /)
    const here = await shell(
      elsewhere.replace('https://staging.example.com', `http://127.0.0.1:${ports[8081]}`),
    )
    assert.equal(here.code, 0, here.stdout + here.stderr)
  })

  test('runs a k6 script with the same adapter', async () => {
    writeFileSync(join(folder, 'rush.js'), take('js', 'k6/execution'))
    const ended = await shell(take('sh', 'k6 run'))
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    assert.match(ended.stdout + ended.stderr, /5 orders of 5 units/)
  })

  test('has run every command', () => assert.deepEqual(left, []))

  async function openShop(name: string): Promise<void> {
    const line = take('sh', `shops/${name}.ts`).replace('postgres://…', databaseUrl)
    const shop = run('sh', ['-c', `exec env ${line}`])
    shops.push(shop)
    await shop.printed(/is open at/)
  }
})

function prove(words: string): Promise<Ended> {
  return shell(take('sh', words))
}

/** A command of the page, in a folder that has the shops; in place of npm's, this checkout. */
function shell(line: string): Promise<Ended> {
  const here = line
    .replace('npx admit-once', `"${process.execPath}" "${resolve('bin/admit-once.js')}"`)
    .replace('examples/', `${resolve('examples')}/`)
  return run('sh', ['-c', here], {}, folder).ended
}

/** The first block of the page that has these words and was not taken yet. */
function take(language: string, words: string): string {
  const at = left.findIndex((block) => block.language === language && block.text.includes(words))
  assert.notEqual(at, -1, `no ${language} with "${words}"`)
  return left.splice(at, 1)[0]?.text ?? ''
}

function atPorts(text: string): string {
  return Object.entries(ports).reduce((changed, [port, free]) => changed.replaceAll(port, String(free)), text)
}
