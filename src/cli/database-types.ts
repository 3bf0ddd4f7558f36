import type { Column, PublicSchema, Relation, SqlFunction, SqlType } from './public-schema.ts'

/** The `Database` type that supabase-js takes, for one schema, as `supabase gen types typescript` prints it. */
export function databaseTypes(schema: PublicSchema, schemaName: string): string {
  const type = typePrinter(schema, schemaName)
  const [tables, views] = [true, false].map((isTable) =>
    schema.relations.filter((relation) => relation.isTable === isTable),
  )
  const rowTypes = new Map(
    schema.types.filter((one) => one.schema === schemaName).map((one) => [one.id, one.relation]),
  )
  const computedOf = ({ name }: Relation) =>
    schema.functions.filter(
      ({ args: [row, ...more], isSet }) =>
        row !== undefined && more.length === 0 && !isSet && rowTypes.get(row.type) === name,
    )
  const enums = schema.types.filter((one) => one.kind === 'enum' && one.schema === schemaName)
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ['Tables', (tables ?? []).map((relation) => relationType(relation, computedOf(relation), type))],
    ['Views', (views ?? []).map((relation) => relationType(relation, computedOf(relation), type))],
    ['Functions', functionTypes(schema.functions, type)],
    ['Enums', enums.map(({ name, labels }) => `${key(name)}: ${labels.map(text).join(' | ')}`)],
    ['CompositeTypes', []],
  ]
  const members = parts.map(([part, entries]) => `${part}: ${block(entries, NONE)}`)
  return `${JSON_TYPE}
export type Database = ${block([
    `// What the server speaks: supabase-js reads it.\n__InternalSupabase: ${block([`PostgrestVersion: ${text(POSTGREST)}`])}`,
    `${key(schemaName)}: ${block(members)}`,
  ])}

${helpers(schemaName)}`
}

type PrintType = (id: number) => string

/** Spreads of many rows and max-affected are of it. */
const POSTGREST = '14'
const LINE_LENGTH_MAX = 80
const NONE = '{ [_ in never]: never }'

const JSON_TYPE = `export type Json =
  | string
  | number
  | boolean
  | null
  | { [key: string]: Json | undefined }
  | Json[]
`

const helpers = (schema: string): string => `type Schema = Database[${text(schema)}]

export type Tables<Name extends keyof (Schema["Tables"] & Schema["Views"])> =
  (Schema["Tables"] & Schema["Views"])[Name] extends { Row: infer Row } ? Row : never
export type TablesInsert<Name extends keyof Schema["Tables"]> = Schema["Tables"][Name]["Insert"]
export type TablesUpdate<Name extends keyof Schema["Tables"]> = Schema["Tables"][Name]["Update"]
export type Enums<Name extends keyof Schema["Enums"]> = Schema["Enums"][Name]
`

/** Computed columns are functions of a row: read, not written, and not in `*`. */
function relationType(relation: Relation, computed: readonly SqlFunction[], type: PrintType): string {
  const { name, isTable, insertable, updatable, columns, relationships } = relation
  const row = (columns: readonly string[]) => block(columns, NONE)
  const nullOf = ({ nullable }: Column) => (nullable || !isTable ? ' | null' : '')
  const written = (column: Column, isOptional: boolean) =>
    column.drawn
      ? `${key(column.name)}?: never`
      : `${key(column.name)}${isOptional ? '?' : ''}: ${type(column.type)}${nullOf(column)}`
  const isLeftOut = (column: Column) => column.nullable || column.hasDefault || !isTable
  const links = relationships.map((link) =>
    block([
      `foreignKeyName: ${text(link.name)}`,
      `columns: [${link.columns.map(text).join(', ')}]`,
      `isOneToOne: ${link.isOneToOne}`,
      `referencedRelation: ${text(link.relation)}`,
      `referencedColumns: [${link.referencedColumns.map(text).join(', ')}]`,
    ]),
  )
  return `${key(name)}: ${block([
    `Row: ${row([
      ...columns.map((column) => `${key(column.name)}: ${type(column.type)}${nullOf(column)}`),
      ...computed.map((one) => `${key(one.name)}: ${type(one.returns)} | null`),
    ])}`,
    ...(insertable ? [`Insert: ${row(columns.map((column) => written(column, isLeftOut(column))))}`] : []),
    ...(updatable ? [`Update: ${row(columns.map((column) => written(column, true)))}`] : []),
    ...(computed.length === 0
      ? []
      : [`ComputedFields: ${computed.map((one) => text(one.name)).join(' | ')}`]),
    `Relationships: [${links.length === 0 ? '' : `\n${indent(links.map((link) => `${link},`).join('\n'))}\n`}]`,
  ])}`
}

/** Functions of one name are a union. */
function functionTypes(functions: readonly SqlFunction[], type: PrintType): string[] {
  const byName = Map.groupBy(functions, ({ name }) => name)
  return [...byName].map(([name, overloads]) => {
    const types = overloads.map((one) => functionType(one, type))
    return types.length === 1
      ? `${key(name)}: ${types[0]}`
      : `${key(name)}:\n${indent(types.map((one) => `| ${one}`).join('\n'))}`
  })
}

function functionType({ args, returns, isSet, columns }: SqlFunction, type: PrintType): string {
  const given = args
    .filter(({ name }) => name !== '')
    .map((arg) => `${key(arg.name)}${arg.hasDefault ? '?' : ''}: ${type(arg.type)}`)
  const row =
    columns.length > 0
      ? block(columns.map((column) => `${key(column.name)}: ${type(column.type)}`))
      : type(returns)
  return block([
    `Args: ${given.length === 0 ? 'never' : fitted(given)}`,
    `Returns: ${row}${isSet ? '[]' : ''}`,
  ])
}

/** Types as JSON has them. */
function typePrinter({ types, relations }: PublicSchema, schemaName: string): PrintType {
  const byId = new Map(types.map((one) => [one.id, one]))
  const print = (id: number): string => {
    const one = byId.get(id)
    if (one === undefined) return 'unknown'
    if (one.element !== 0) return `${withBrackets(print(one.element))}[]`
    switch (one.kind) {
      case 'domain':
        return print(one.base)
      case 'enum':
        return one.schema === schemaName
          ? `Database[${text(schemaName)}]["Enums"][${text(one.name)}]`
          : one.labels.map(text).join(' | ')
      case 'composite':
        return compositeType(one, relations, schemaName)
      default:
        return SCALARS.get(one.name) ?? 'unknown'
    }
  }
  return print
}

function compositeType(
  { relation, schema }: SqlType,
  relations: readonly Relation[],
  schemaName: string,
): string {
  const found = relations.find(({ name }) => name === relation && schema === schemaName)
  if (found === undefined) return 'Record<string, unknown>'
  const kind = found.isTable ? 'Tables' : 'Views'
  return `Database[${text(schemaName)}][${text(kind)}][${text(found.name)}]["Row"]`
}

const SCALARS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    boolean: ['bool'],
    number: ['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'],
    string: [
      ...['bytea', 'bpchar', 'varchar', 'text', 'citext', 'name', 'uuid', 'inet', 'cidr'],
      ...['date', 'time', 'timetz', 'timestamp', 'timestamptz', 'interval'],
    ],
    Json: ['json', 'jsonb'],
    undefined: ['void'],
    'Record<string, unknown>': ['record'],
  }).flatMap(([type, names]) => names.map((name) => [name, type] as const)),
)

function withBrackets(type: string): string {
  return type.includes(' | ') ? `(${type})` : type
}

/** On one line where that is short. */
function fitted(entries: readonly string[]): string {
  const line = `{ ${entries.join('; ')} }`
  return line.length <= LINE_LENGTH_MAX ? line : block(entries)
}

function block(entries: readonly string[], empty = '{}'): string {
  return entries.length === 0 ? empty : `{\n${indent(entries.join('\n'))}\n}`
}

function indent(lines: string): string {
  return lines.replaceAll(/^(?=.)/gm, '  ')
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : text(name)
}

function text(value: string): string {
  return JSON.stringify(value)
}
