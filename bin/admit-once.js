#!/usr/bin/env node
// The sources are TypeScript that Node runs as it is, from 22.18 on. The checkout brings its own Node: where an
// older one starts this file (npx on a machine with Node 20), the work is handed to the one that npm installed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const runsTypeScript = major > 22 || (major === 22 && minor >= 18)
const main = new URL('../src/cli/main.ts', import.meta.url)

if (runsTypeScript) {
  await import(main.href)
} else {
  const suffix = process.platform === 'win32' ? '.cmd' : ''
  const node = fileURLToPath(new URL(`../node_modules/.bin/node${suffix}`, import.meta.url))
  if (!existsSync(node)) {
    console.error(
      `admit-once needs Node 22.18 or newer; this is ${process.version}. Run \`npm ci\`, or install a newer Node.`,
    )
    process.exit(3)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal sends Ctrl-C to both; the child decides when to go.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
}
