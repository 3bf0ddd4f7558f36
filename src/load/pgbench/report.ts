/** What a run has counted so far; `retried` are transactions, `retries` the tries beyond the first. */
export interface Tally {
  transactions: number
  serialization: number
  deadlock: number
  retried: number
  retries: number
}

/** One script of a run, and the mean time of its statements. */
export interface ReportedScript {
  readonly file: string
  readonly weight: number
  readonly statements: readonly StatementLatency[]
}

export interface StatementLatency {
  /** The first line of the statement. */
  readonly text: string
  readonly avgMs: number
  /** Transactions that it made fail for good, and tries that it made begin again. */
  readonly failures: number
  readonly retries: number
}

interface Terms {
  readonly scripts: readonly ReportedScript[]
  readonly perStatement: boolean
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
    `transaction type: ${terms.scripts.length === 1 ? terms.scripts[0]?.file : 'multiple scripts'}`,
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
  process.stdout.write(`${[...lines, ...scriptLines(terms)].join('\n')}\n`)
}

function scriptLines({ scripts, perStatement, tries }: Terms): readonly string[] {
  const isOne = scripts.length === 1
  return scripts.flatMap(({ file, weight, statements }, at) => {
    const head = isOne ? [] : [`SQL script ${at + 1}: ${file}`, ` - weight: ${weight}`]
    if (!perStatement) return head
    const title = `${isOne ? '' : ' - '}statement latencies in milliseconds${tries === 1 ? ' and failures' : ', failures and retries'}:`
    const rows = statements.map(({ text, avgMs, failures, retries }) => {
      const counts = tries === 1 ? [failures] : [failures, retries]
      const columns = [avgMs.toFixed(3).padStart(11), ...counts.map((n) => String(n).padStart(10))]
      return `   ${columns.join('  ')}  ${text.split('\n', 1)[0]}`
    })
    return [...head, title, ...rows]
  })
}

export function printProgress(tally: Tally, elapsedMs: number): void {
  const tps = (tally.transactions * 1000) / elapsedMs
  const failed = tally.serialization + tally.deadlock
  const line = `progress: ${(elapsedMs / 1000).toFixed(1)} s, ${tps.toFixed(1)} tps, ${failed} failed`
  process.stderr.write(`${line}, ${tally.retried} retried, ${tally.retries} retries\n`)
}

/** Of each script, the mean time of its statements; backslash commands take none. */
export function readStatements(output: string): readonly (readonly StatementLatency[])[] {
  const [, ...tables] = output.split(/^(?: - )?statement latencies in milliseconds(?=.*:$)/m)
  return tables.map((table) => {
    const hasRetries = /^.*retries:/.test(table)
    const row = hasRetries
      ? /^ {3}\s*([\d.]+)\s+(\d+)\s+(\d+) {2}(.*)$/
      : /^ {3}\s*([\d.]+)\s+(\d+)() {2}(.*)$/
    return table.split('\n').flatMap((line) => {
      const [, avgMs, failures, retries, text = '\\'] = row.exec(line) ?? []
      if (text.startsWith('\\')) return []
      return [{ text, avgMs: Number(avgMs), failures: Number(failures), retries: Number(retries) }]
    })
  })
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
