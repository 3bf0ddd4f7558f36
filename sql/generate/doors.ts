import { readFileSync } from 'node:fs'

/** `public.sql`: one thin function for each verb that `grants.sql` gives a door, from the verb's own signature. */
export function doorsSql(): string {
  return `-- Written by \`npm run generate\` from the signatures of sql/verbs; a test compares the two.
-- The doors: what clients call by name. Each only passes on to the verb of its name in the vault, whose header says what it
-- answers. Invokers, so that the verb sees who is calling.
${verbsWithDoor().map(doorOf).join('')}`
}

const root = new URL('../', import.meta.url)

function verbsWithDoor(): string[] {
  const grants = readFileSync(new URL('grants.sql', root), 'utf8')
  return [...grants.matchAll(/^ +\('(\w+)', +'door',/gm)].map(([, name = '']) => name)
}

function doorOf(verb: string): string {
  const { parameters, result, volatility } = signatureOf(verb)
  const call = `ticketing.${verb}(${parameters.map((p) => p.split(' ')[0]).join(', ')})`
  const pass =
    result === 'void' ? 'perform' : result.startsWith('table') ? 'return query select * from' : 'return'
  return `
create or replace function public.${verb}(${parameters.join(', ')})
returns ${result} language plpgsql ${volatility} security invoker set search_path = pg_catalog, pg_temp as $$
begin
  ${pass} ${call};
end
$$;
`.replaceAll(/^.{129,}$/gm, wrap)
}

interface Signature {
  readonly parameters: readonly string[]
  readonly result: string
  readonly volatility: string
}

/** The parameters that a door has are those before the mark. */
const MARK = "/* the vault's alone: */"

function signatureOf(verb: string): Signature {
  const text = readFileSync(new URL(`verbs/${verb}.sql`, root), 'utf8')
  const header = new RegExp(
    `^create or replace function ticketing\\.${verb}\\((.*?)\\)\\s+returns (.*?) as \\$\\$`,
    'ms',
  )
  const [, list = '', rest = ''] = header.exec(text) ?? []
  const [result = '', traits = ''] = rest.replaceAll(/\s+/g, ' ').split(' language ')
  if (result === '') throw new Error(`${verb}: no signature that can be read`)
  return {
    parameters: (list.split(MARK)[0] ?? '')
      .split(',')
      .map((parameter) => parameter.trim().replaceAll(/\s+/g, ' '))
      .filter((parameter) => parameter !== ''),
    result,
    volatility: /\b(stable|immutable)\b/.exec(traits)?.[0] ?? 'volatile',
  }
}

/** A line that is too long goes on below, after a comma. */
function wrap(line: string): string {
  const comma = line.lastIndexOf(', ', 126)
  const rest = `    ${line.slice(comma + 2)}`
  return `${line.slice(0, comma + 1)}\n${rest.length > 128 ? wrap(rest) : rest}`
}
