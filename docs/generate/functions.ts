import { globSync, readFileSync } from 'node:fs'
import { BODY_BYTES_MAX } from '../../src/api/functions/contract.ts'
import { functions } from '../../src/api/functions/index.ts'
import { page, table } from './markdown.ts'

/** Every function under `/functions/v1`, described by the docstring of its export. */
export function functionsPage(): string {
  const docOf = functionDocs()
  const names = [...functions.keys()]
  return page(
    'Functions',
    'src/api/functions',
    `Each stands under \`/functions/v1/<name>\`, takes and gives JSON, and needs no API key; a user's token in
\`Authorization: Bearer …\` says who is calling, and one that is not ours or ran out counts for nothing: its sender is a guest. A [refusal](refusals.md) has its code in the body. An example of each is in
[An evening](../an-evening.md); what gates send is in [Writing a scanner](../scanner.md).`,
    table(
      ['function', 'methods', 'lane', 'body', 'does'],
      [...functions].map(([name, { methods, lane = 'buyers', bodyBytesMax = BODY_BYTES_MAX }]) => [
        `[\`${name}\`](#${name})`,
        methods.join(', '),
        lane,
        `${bodyBytesMax / 1024} KiB`,
        firstSentence(docOf(name)),
      ]),
    ),
    ...names.map((name) => `## ${name}\n\n${docOf(name)}`),
  )
}

/** What the docstring of a function says, by its name. */
export function functionDocs(): (name: string) => string {
  const docs = docstrings()
  return (name) => docs.get(camelCase(name)) ?? ''
}

export function camelCase(name: string): string {
  return name.replaceAll(/[-_](\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** By the name of the export. */
function docstrings(): ReadonlyMap<string, string> {
  const sources = globSync('src/api/functions/*.ts').map((file) => readFileSync(file, 'utf8'))
  return new Map(
    sources.flatMap((text) =>
      [...text.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const (\w+)\b/g)].map(
        ([, comment = '', name = '']) => [name, proseOf(comment)] as const,
      ),
    ),
  )
}

function proseOf(comment: string): string {
  return comment
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim()
}

export function firstSentence(text: string): string {
  return /^[\s\S]*?[.](?=\s|$)/.exec(text)?.[0] ?? text
}
