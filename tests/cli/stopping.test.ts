import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isWrapper } from '../../src/cli/wrappers.ts'
import { findEmbedded } from '../../src/embedded/embedded.ts'
import { type Ended, familyOf, goneAll, newHome, run } from './support.ts'

const START = 'node bin/admit-once.js start --port 0 --no-demo'

/** How services start it, and which of the processes they know. */
const WAYS: readonly (readonly [name: string, file: string, args: readonly string[]])[] = [
  ['node', process.execPath, ['bin/admit-once.js', 'start', '--port', '0', '--no-demo']],
  ['npm start', 'npm', ['start', '--', '--port', '0', '--no-demo']],
  ['npx', 'npx', ['--offline', 'admit-once', 'start', '--port', '0', '--no-demo']],
  ['a shell', 'sh', ['-c', START]],
  ['a shell that does something after it', 'sh', ['-c', `${START}; true`]],
  ['npm under a shell', 'sh', ['-c', 'npm start -- --port 0 --no-demo; true']],
]

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  for (const [name, file, args] of WAYS) {
    // Who is killed closes nothing; the keeper does, and the next start recovers.
    test(`${signal} to ${name} alone: the server is gone within 15 s, and its PostgreSQL with it`, async () => {
      const home = newHome()
      const command = run(file, args, { ADMIT_ONCE_HOME: home })
      await command.printed(/Ctrl-C stops it/)
      const family = await familyOf(command.pid)
      assert.ok(family.size > 2, 'server, keeper and PostgreSQL are found')
      command.signal(signal, 'process')
      await goneAll(family)
      assert.equal(await findEmbedded(`${home}/postgres`), undefined)
      if (signal === 'SIGTERM' && name === 'node') assertInOrder(await command.ended)
    })
  }
}

test('a container kills all of its processes at once: the next start finds what was there', {
  skip: process.getuid?.() === 0 ? false : 'only root makes a PID namespace',
}, async () => {
  const home = newHome()
  const inside = ['--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', `${START}; true`]
  const container = run('unshare', inside, { ADMIT_ONCE_HOME: home })
  await container.printed(/Ctrl-C stops it/)
  const family = await familyOf(container.pid)
  container.signal('SIGKILL', 'process')
  await goneAll(family)
  const again = run(process.execPath, START.split(' ').slice(1), { ADMIT_ONCE_HOME: home })
  await again.printed(/Ctrl-C stops it/)
  again.signal('SIGTERM', 'process')
  assertInOrder(await again.ended)
})

test('only what waits for us is a wrapper: a shell that may go before us is none, nor is a terminal', () => {
  for (const words of [
    ['npm start'],
    ['npm exec admit-once start', ''],
    ['node', '/usr/lib/node_modules/pnpm/pnpm.cjs', 'start'],
    ['sh', '-c', 'node bin/admit-once.js start'],
    ['/bin/bash', '-lc', 'cd /srv && npm start >log 2>&1'],
  ])
    assert.ok(isWrapper(words), words.join(' '))
  for (const words of [
    ['-bash'],
    ['bash'],
    ['sh', 'start.sh'],
    ['sh', '-c', 'nohup npm start &'],
    ['sh', '-c', 'npm start & exit'],
    ['node', 'server.js'],
    ['/lib/systemd/systemd'],
    ['sshd: ada'],
  ])
    assert.ok(!isWrapper(words), words.join(' '))
})

function assertInOrder({ code, stdout }: Ended): void {
  assert.equal(code, 0)
  assert.match(stdout, /stopping: finishing what was accepted/)
}
