import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { openapiJson } from './openapi.ts'

/** The part of JSON Schema that our schemas use. */
interface Schema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly propertyNames?: Schema
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
}

interface Operation {
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema: Schema
  }[]
  readonly requestBody?: Content
  readonly responses: Readonly<Record<string, Partial<Content>>>
}

interface Content {
  readonly content: { readonly 'application/json': { readonly schema: Schema } }
}

/** What functions and verbs take and answer, as the OpenAPI document has it. */
export const functionTypes = (): string =>
  typesOf('FunctionTypes', 'functions', '/functions/v1/', (operation) => ({
    body: bodyOf(operation),
    answer: answerOf(operation),
  }))

export const verbTypes = (): string =>
  typesOf('VerbTypes', 'verbs', '/rest/v1/rpc/', (operation) => ({
    args: bodyOf(operation),
    answer: answerOf(operation),
  }))

function typesOf(
  name: string,
  what: string,
  prefix: string,
  typesOfOne: (operation: Operation) => Readonly<Record<string, string>>,
): string {
  const { paths } = JSON.parse(openapiJson()) as { paths: Record<string, Record<string, Operation>> }
  const members = Object.entries(paths).flatMap(([path, { get, post }]) => {
    const operation = get ?? post
    // What the provider alone asks is no caller's.
    if (!path.startsWith(prefix) || path.endsWith('/stripe-webhook') || operation === undefined) return []
    const parts = Object.entries(typesOfOne(operation)).map(([part, type]) => `readonly ${part}: ${type}`)
    return `readonly '${path.slice(prefix.length)}': {\n${parts.join('\n')} }`
  })
  return formatted(`
// Written by \`npm run generate\` from the OpenAPI document; a test compares the two.

/** What ${what} take, and what they answer where they do not refuse. */
export interface ${name} {\n${members.join('\n')}\n}\n`)
}

/** The fields of the body; of a GET those of its query. */
function bodyOf({ requestBody, parameters = [] }: Operation): string {
  if (requestBody !== undefined) return typeOf(requestBody.content['application/json'].schema, 'given')
  const fields = parameters.filter((parameter) => parameter.in === 'query')
  const query: Schema = {
    type: 'object',
    properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
    required: fields.filter(({ required }) => required === true).map(({ name }) => name),
  }
  return typeOf(query, 'given')
}

function answerOf({ responses }: Operation): string {
  const schema = responses['200']?.content?.['application/json'].schema
  return schema === undefined ? 'null' : typeOf(withoutRefusals(schema), 'answered')
}

/** What a verb refuses is an error in the client. */
function withoutRefusals(schema: Schema): Schema {
  const { anyOf } = schema
  return anyOf === undefined
    ? schema
    : { anyOf: anyOf.filter(({ properties }) => properties?.['success']?.const !== false) }
}

/** What is given may also say undefined where it need not be there; what was JSON never does. */
type Side = 'given' | 'answered'

function typeOf(schema: Schema, side: Side): string {
  const { type, anyOf, items } = schema
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return union(schema.enum.map((value) => JSON.stringify(value)))
  if (anyOf !== undefined) return union(anyOf.map((one) => typeOf(one, side)))
  if (typeof type === 'object') return union(type.map((one) => typeOf({ ...schema, type: one }, side)))
  switch (type) {
    case undefined:
      return 'unknown'
    case 'integer':
      return 'number'
    case 'array':
      return `readonly (${items === undefined ? 'unknown' : typeOf(items, side)})[]`
    case 'object':
      return objectOf(schema, side)
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return type
    default:
      throw new Error(`there is no type for ${JSON.stringify(schema)}`)
  }
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(' | ')
}

function objectOf(
  { properties = {}, required = [], additionalProperties, propertyNames }: Schema,
  side: Side,
): string {
  const members = Object.entries(properties).map(([name, schema]) => {
    const isOptional = !required.includes(name)
    const type = typeOf(schema, side)
    const key = /^\w+$/.test(name) ? name : `'${name}'`
    return `readonly ${key}${isOptional ? '?' : ''}: ${type}${isOptional && side === 'given' ? ' | undefined' : ''}`
  })
  if (members.length > 0) return `{ ${members.join('; ')} }`
  if (typeof additionalProperties !== 'object') return 'Readonly<Record<string, never>>'
  const keys = propertyNames === undefined ? 'string' : typeOf(propertyNames, side)
  return `Readonly<Record<${keys}, ${typeOf(additionalProperties, side)}>>`
}

function formatted(text: string): string {
  const biome = fileURLToPath(import.meta.resolve('@biomejs/biome/bin/biome'))
  const args = [biome, 'format', '--stdin-file-path=types.ts']
  return execFileSync(process.execPath, args, { input: text.trimStart(), encoding: 'utf8' })
}
