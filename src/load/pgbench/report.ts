/** What a run has counted so far; `retried` are transactions, `retries` the tries beyond the first. */
export interface Tally {
  transactions: number
  serialization: number
  deadlock: number
  retried: number
  retries: number
}

interface Terms {
  readonly file: string
  readonly clients: number
  readonly transactions: number | undefined
  readonly seconds: number | undefined
  readonly tries: number
}

/** Prints the run in pgbench's words, so that one reader serves both engines. */
export function printReport(tally: Tally, terms: Terms, elapsedMs: number): void {
  const failed = tally.serialization + tally.deadlock
  const total = tally.transactions + failed
  const share = (part: number) => `${part} (${((100 * part) / (total || 1)).toFixed(3)}%)`
  const planned =
    terms.seconds === undefined
      ? [`number of transactions per client: ${terms.transactions}`]
      : [`duration: ${terms.seconds} s`]
  const lines = [
    `pgbench-built-in (node ${process.versions.node})`,
    `transaction type: ${terms.file}`,
    'query mode: simple',
    `number of clients: ${terms.clients}`,
    'number of threads: 1',
    `maximum number of tries: ${terms.tries}`,
    ...planned,
    `number of transactions actually processed: ${tally.transactions}`,
    `number of failed transactions: ${share(failed)}`,
    `number of serialization failures: ${share(tally.serialization)}`,
    `number of deadlock failures: ${share(tally.deadlock)}`,
    `number of transactions retried: ${share(tally.retried)}`,
    `total number of retries: ${tally.retries}`,
    `tps = ${((tally.transactions * 1000) / elapsedMs).toFixed(6)} (without initial connection time)`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

export function printProgress(tally: Tally, elapsedMs: number): void {
  const tps = (tally.transactions * 1000) / elapsedMs
  const failed = tally.serialization + tally.deadlock
  const line = `progress: ${(elapsedMs / 1000).toFixed(1)} s, ${tps.toFixed(1)} tps, ${failed} failed`
  process.stderr.write(`${line}, ${tally.retried} retried, ${tally.retries} retries\n`)
}

/** The numbers of a report, pgbench's or ours. Throws with the output where there is no report in it. */
export function readReport(output: string): Tally & { readonly tps: number } {
  const number = (name: string) => {
    const found = new RegExp(`^${name}(?::| =) ([\\d.]+)`, 'm').exec(output)?.[1]
    return found === undefined ? undefined : Number(found)
  }
  const transactions = number('number of transactions actually processed')
  if (transactions === undefined) throw new Error(`no pgbench report in: ${output}`)
  return {
    transactions,
    serialization: number('number of serialization failures') ?? 0,
    deadlock: number('number of deadlock failures') ?? 0,
    retried: number('number of transactions retried') ?? 0,
    retries: number('total number of retries') ?? 0,
    tps: number('tps') ?? 0,
  }
}
