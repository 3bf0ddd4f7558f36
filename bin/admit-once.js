#!/usr/bin/env node
// A checkout runs its TypeScript sources as they are; a package runs what `npm run build` made of them, because Node
// strips no types under node_modules. Both need Node 22.18: an older one (npx on a machine with Node 20) hands over to
// the Node that npm installed beside us.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > 22 || (major === 22 && minor >= 18)) {
  // Compile cache: of us and the processes that we start, and in no folder where others than our installer may write.
  process.env.NODE_COMPILE_CACHE ??= fileURLToPath(
    new URL('../node_modules/.cache/admit-once', import.meta.url),
  )
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  await import(program())
} else handOver()

/** The package holds no sources, so a `dist` that was left in a checkout is never run by mistake. */
function program() {
  const sources = new URL('../src/cli/main.ts', import.meta.url)
  return existsSync(sources) ? sources.href : new URL('../dist/cli/main.js', import.meta.url).href
}

function handOver() {
  const node = installedNode()
  if (node === undefined) {
    console.error(
      `admit-once needs Node 22.18 or newer; this is ${process.version}. Install a newer Node, or install again with npm's optional packages, which bring one.`,
    )
    process.exit(3)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // The terminal sends Ctrl-C to both; the child decides when to go.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
}

/** Node's own look-up finds it wherever npm, npx or pnpm put it: beside us, above us or under us. */
function installedNode() {
  const require = createRequire(import.meta.url)
  const { platform, arch } = process
  try {
    const manifest = require.resolve(`node-${platform === 'win32' ? 'win' : platform}-${arch}/package.json`)
    return join(dirname(manifest), require(manifest).bin.node)
  } catch {
    return undefined
  }
}
