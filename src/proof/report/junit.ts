import { type Html, html } from '../../report/markup.ts'
import type { LeftOut, Results } from '../results.ts'

type StageResult = Results['stages'][number]
type Check = StageResult['checks'][number]

/** A run as JUnit XML, for whatever shows test results: a stage is a suite, a check a case, what could not be shown an error, and what was left out skipped. */
export function junitXml({ run, stages }: Results): string {
  const suites = html`<testsuites name="admit-once prove" time="${seconds(run.durationMs)}">
${stages.map(suite)}</testsuites>`
  return `<?xml version="1.0" encoding="UTF-8"?>\n${String(suites)}\n`
}

function suite({ title, durationMs, checks, verdict, reason = '', leftOut = [] }: StageResult): Html {
  const of = (wanted: Check['verdict']) => checks.filter((check) => check.verdict === wanted).length
  const skipped = verdict === 'SKIPPED' ? [{ name: title, why: reason }] : leftOut
  return html`<testsuite name="${title}" tests="${checks.length + skipped.length}" failures="${of('FAIL')}" errors="${of('INCONCLUSIVE')}" skipped="${skipped.length}" time="${seconds(durationMs)}">
${skipped.map((one) => skippedCase(title, one))}${checks.map((check) => testcase(title, check))}</testsuite>\n`
}

function skippedCase(stage: string, { name, why }: LeftOut): Html {
  return html`  <testcase name="${name}" classname="${stage}"><skipped message="${why}"/></testcase>\n`
}

function testcase(stage: string, { name, verdict, detail, witness, reproduce }: Check): Html {
  const shown = [detail, witness === undefined ? '' : JSON.stringify(witness, null, 2), reproduce ?? '']
  const text = shown.filter((part) => part !== '').join('\n')
  const inside =
    verdict === 'PASS'
      ? html`<system-out>${text}</system-out>`
      : verdict === 'FAIL'
        ? html`<failure message="${detail}">${text}</failure>`
        : html`<error message="${detail}">${text}</error>`
  return html`  <testcase name="${name}" classname="${stage}">${inside}</testcase>\n`
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3)
}
