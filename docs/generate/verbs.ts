import { readFileSync } from 'node:fs'
import { laneOf } from '../../src/desk/verbs.ts'
import { code, page, table } from './markdown.ts'

interface Verb {
  readonly name: string
  readonly roles: string
  /** A function of the same name stands in `public`. */
  readonly hasDoor: boolean
  /** The comment above the function: what it does, answers, locks and writes. */
  readonly header: string
  readonly signature: string
}

/** Every verb, in the words of the header of its file. */
export function verbsPage(): string {
  const verbs = verbsOf()
  const [withDoor, inside] = [verbs.filter((it) => it.hasDoor), verbs.filter((it) => !it.hasDoor)]
  return page(
    'Verbs',
    'sql/verbs and sql/grants.sql',
    `A verb is a SQL function that decides and writes in one transaction. Those with a door are called as on Supabase,
\`POST /rest/v1/rpc/<verb>\` with an API key and, for users, a token; or in SQL, \`select public.<verb>(…)\`.`,
    code(
      `curl "$SUPABASE_URL/rest/v1/rpc/reserve_tickets_batch" -H "apikey: $SUPABASE_ANON_KEY" -H 'Content-Type: application/json' \\
  -d '{"p_reservations": [{"tier_id": "…", "quantity": 2}], "p_session_id": "cart-1"}'`,
      'sh',
    ),
    'A [refusal](refusals.md) is an answer with a code. Roles are those that may call; ownership is judged inside.',
    '## With a door',
    summary(withDoor),
    '## In the vault',
    'Called by the server, or by your own SQL as `ticketing.<verb>`.',
    summary(inside),
    ...verbs.map(section),
  )
}

function summary(verbs: readonly Verb[]): string {
  return table(
    ['verb', 'roles', 'lane', 'does'],
    verbs.map(({ name, roles, header }) => [
      `[\`${name}\`](#${name})`,
      roles,
      laneOf(name),
      purposeOf(header),
    ]),
  )
}

function section({ name, header, signature }: Verb): string {
  return `## ${name}\n\n${code(signature, 'sql')}\n\n${code(header, 'text')}`
}

export function verbsOf(): Verb[] {
  const [, list = ''] =
    /\(values\n([\s\S]*?)-- What policies/.exec(readFileSync('sql/grants.sql', 'utf8')) ?? []
  return [...list.matchAll(/\('(\w+)', +'(door|vault)', +'([^']+)'\)/g)].map(
    ([, name = '', place, roles = '']) => ({ name, roles, hasDoor: place === 'door', ...headerOf(name) }),
  )
}

function headerOf(name: string): Pick<Verb, 'header' | 'signature'> {
  const text = readFileSync(`sql/verbs/${name}.sql`, 'utf8')
  const comment = new RegExp(`^-- (${name}: [\\s\\S]*?)^create or replace function`, 'm').exec(text)?.[1]
  const signature = new RegExp(
    `^create or replace function ticketing\\.(${name}\\([\\s\\S]*?)\\s*\\nlanguage`,
    'm',
  )
  const [, head] = signature.exec(text) ?? []
  if (comment === undefined || head === undefined) throw new Error(`sql/verbs/${name}.sql has no header`)
  return { signature: head, header: comment.replaceAll(/^-- ?/gm, '').trim() }
}

/** The first sentence or paragraph after the name. */
export function purposeOf(header: string): string {
  const text = header.replace(/^\w+: /, '')
  return (/^[\s\S]*?\.(?=\s|$)/.exec(text)?.[0] ?? text).replace(/^./, (first) => first.toUpperCase())
}
