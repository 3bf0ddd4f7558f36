import process from 'node:process'

/** One line on stderr, in the form of k6's log. */
export function log(level: 'info' | 'warning' | 'error', message: string): void {
  process.stderr.write(`time="${new Date().toISOString()}" level=${level} msg=${JSON.stringify(message)}\n`)
}
