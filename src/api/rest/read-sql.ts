import { identifier } from '../../db/call.ts'
import { EXPOSED_SCHEMA } from './catalogue.ts'
import { columnSql, conditionSql } from './condition-sql.ts'
import { RestError } from './errors.ts'
import { findLink, isToOne, type Link } from './links.ts'
import type { OrderTerm } from './order.ts'
import { orderSql } from './order-sql.ts'
import type { Relation, Relations } from './relations.ts'
import type { Scope } from './scope.ts'
import { embedName, type SelectColumn, type SelectEmbed, type SelectItem } from './select.ts'
import { type Clauses, NO_CLAUSES, pathKey, type TableQuery } from './table-query.ts'

/** PostgREST's db-max-rows, as Supabase sets it: of each table, embedded ones too. */
export const ROWS_MAX = 1_000

/** Statements that read what a query asks for. */
export interface ReadSql {
  /** The rows of the page, in order. */
  readonly page: string
  /** What `*` and nothing in order and page would give, for counting: `from … where …`. */
  readonly all: string
}

interface Reading {
  readonly relations: Relations
  readonly query: TableQuery
  readonly role: string
  /** Clauses that found their table; those left over name none. */
  readonly used: Set<string>
  readonly isWritten: boolean
  aliases: number
}

/** One table in the tree, under the name that its columns have in the statement. */
interface Node {
  readonly relation: Relation
  readonly alias: string
  readonly path: readonly string[]
  readonly clauses: Clauses
  readonly embeds: readonly Embedded[]
  readonly items: readonly SelectItem[]
}

interface Embedded {
  readonly item: SelectEmbed
  readonly link: Link
  readonly node: Node
}

/** What is read instead of the table itself, where a statement has just written the rows. */
export function readSql(
  relations: Relations,
  relation: Relation,
  query: TableQuery,
  options: ReadOptions,
): ReadSql {
  const reading: Reading = {
    relations,
    query,
    role: options.role,
    used: new Set(),
    isWritten: options.source !== undefined,
    aliases: 0,
  }
  const root = nodeOf(reading, relation, query.select, [], relation.name)
  for (const path of query.embedded.keys()) {
    if (!reading.used.has(path)) throw notEmbedded((JSON.parse(path) as string[]).at(-1) ?? '')
  }
  const source = options.source ?? options.called ?? tableSql(relation)
  const from = `from ${source} ${identifier(root.alias)}`
  const conditions = options.source === undefined ? conditionsOf(reading, root) : innerOf(reading, root)
  const all = `${from}${whereSql(conditions)}`
  const page = pageSql(options.limit, options.offset ?? 0)
  const order = options.source === undefined || root.clauses.order.length > 0 ? orderOf(reading, root) : ''
  return { page: `select ${itemsSql(reading, root)} ${all}${order}${page}`, all }
}

export interface ReadOptions {
  readonly role: string
  readonly limit?: number
  readonly offset?: number
  /** Rows that a statement wrote, by their name in it; filters were its own. */
  readonly source?: string
  /** Rows that a function gave, by their name in the statement. */
  readonly called?: string
}

export function tableSql({ name }: Relation): string {
  return `${EXPOSED_SCHEMA}.${identifier(name)}`
}

function nodeOf(
  reading: Reading,
  relation: Relation,
  items: readonly SelectItem[],
  path: readonly string[],
  alias: string,
): Node {
  const key = pathKey(path)
  reading.used.add(key)
  const clauses = path.length === 0 ? reading.query.root : (reading.query.embedded.get(key) ?? NO_CLAUSES)
  const embeds = items.flatMap((item) => {
    if (item.kind !== 'embed') return []
    const link = findLink(reading.relations, relation, item)
    reading.aliases += 1
    const name = `${link.target.name}_${reading.aliases}`
    return { item, link, node: nodeOf(reading, link.target, item.items, [...path, embedName(item)], name) }
  })
  return { relation, alias, path, clauses, embeds, items }
}

function scopeOf(reading: Reading, node: Node): Scope {
  const { relation, alias, embeds } = node
  return {
    relation,
    alias,
    relations: reading.relations,
    reader: reading.isWritten && node.path.length === 0 ? reading.role : undefined,
    exists: (name) => {
      const embedded = embeds.find(({ item }) => embedName(item) === name)
      return embedded === undefined ? undefined : existsSql(reading, node, embedded)
    },
  }
}

/** The table's own filters, and that rows are there where an inner join asks for them. */
function conditionsOf(reading: Reading, node: Node): readonly string[] {
  const scope = scopeOf(reading, node)
  return [...node.clauses.conditions.map((one) => conditionSql(scope, one)), ...innerOf(reading, node)]
}

function innerOf(reading: Reading, node: Node): readonly string[] {
  return node.embeds.filter(({ item }) => item.inner).map((embedded) => existsSql(reading, node, embedded))
}

function existsSql(reading: Reading, parent: Node, embedded: Embedded): string {
  const { from, joins } = joinSql(parent, embedded)
  return `exists(select ${from}${whereSql([...joins, ...conditionsOf(reading, embedded.node)])})`
}

function joinSql({ alias }: Node, { link, node }: Embedded): { from: string; joins: readonly string[] } {
  const own = identifier(node.alias)
  const near = link.junction === undefined ? own : identifier(`${node.alias}_via`)
  const here = identifier(alias)
  const equal = (left: string, right: string, names: readonly (readonly [string, string])[]) =>
    names.map(([a, b]) => `${left}.${identifier(a)}=${right}.${identifier(b)}`)
  const from = `from ${tableSql(node.relation)} ${own}`
  const joins = equal(here, near, link.near)
  if (link.junction === undefined) return { from, joins }
  const { table, far } = link.junction
  const between = `,${EXPOSED_SCHEMA}.${identifier(table)} ${near}`
  return { from: from + between, joins: [...joins, ...equal(near, own, far)] }
}

function whereSql(conditions: readonly string[]): string {
  return conditions.length === 0 ? '' : ` where ${conditions.join(' and ')}`
}

export function pageSql(limit: number | undefined, offset: number): string {
  const rows = limit === undefined ? '' : ` limit ${limit}`
  return offset === 0 ? rows : `${rows} offset ${offset}`
}

/** Each column and embedded resource with its name; embedding nothing shows nothing. */
function itemsSql(reading: Reading, node: Node): string {
  return itemsOf(reading, node)
    .map(({ sql, name }) => `${sql} as ${identifier(name)}`)
    .join(',')
}

interface Item {
  readonly sql: string
  readonly name: string
}

function itemsOf(reading: Reading, node: Node): readonly Item[] {
  return node.items.flatMap((item) => itemOf(reading, node, item))
}

function itemOf(reading: Reading, node: Node, item: SelectItem): readonly Item[] {
  switch (item.kind) {
    case 'all':
      return allColumns(reading, node)
    case 'column':
      return [columnItem(reading, node, item)]
    case 'embed': {
      const embedded = node.embeds.find((one) => one.item === item)
      return embedded === undefined ? [] : embedItems(reading, node, embedded)
    }
  }
}

/** Those that the role may read; all of them, and so the database's refusal, where it may read none. */
function allColumns({ role }: Reading, { relation, alias }: Node): readonly Item[] {
  const columns = [...relation.columns.values()]
  const readable = columns.filter(({ readers }) => readers.includes(role))
  const shown = readable.length > 0 ? readable : columns
  return shown.map(({ name }) => ({ sql: `${identifier(alias)}.${identifier(name)}`, name }))
}

/** CONTRACT: the number of rows, as older PostgREST has it, where the table has no such column. */
const COUNT = 'count'

function columnItem(reading: Reading, node: Node, item: SelectColumn): Item {
  const { field, alias, cast } = item
  const value = isCount(node.relation, item) ? 'count(*)' : columnSql(scopeOf(reading, node), field)
  const key = field.arrows.findLast(({ isIndex }) => !isIndex)?.key
  return { sql: cast === undefined ? value : `cast(${value} as ${cast})`, name: alias ?? key ?? field.name }
}

function embedItems(reading: Reading, parent: Node, embedded: Embedded): readonly Item[] {
  const { item, link, node } = embedded
  if (item.items.length === 0) return []
  const { from, joins } = joinSql(parent, embedded)
  const where = whereSql([...joins, ...conditionsOf(reading, node)])
  const { limit, offset } = node.clauses
  const order = orderOf(reading, node)
  if (isToOne(link)) {
    const page = pageSql(Math.min(limit ?? 1, 1), offset)
    const one = (columns: string) => `select ${columns} ${from}${where}${order}${page}`
    if (!item.spread) {
      return [
        { sql: `(select row_to_json(r) from (${one(itemsSql(reading, node))}) r)`, name: embedName(item) },
      ]
    }
    return itemsOf(reading, node).map(({ sql, name }) => ({ sql: `(${one(sql)})`, name }))
  }
  const page = pageSql(Math.min(limit ?? ROWS_MAX, ROWS_MAX), offset)
  const many = (columns: string, by = order) => `select ${columns} ${from}${where}${by}${page}`
  if (!item.spread) {
    const rows = many(itemsSql(reading, node))
    return [{ sql: `(select coalesce(json_agg(r),'[]') from (${rows}) r)`, name: embedName(item) }]
  }
  // A list a column, each of a subquery of its own: in one order, so that the same place is the same row.
  const by = strictOrder(node, order)
  return itemsOf(reading, node).map(({ sql, name }) => ({
    sql: `(select coalesce(json_agg(r.v),'[]') from (${many(`${sql} as v`, by)}) r)`,
    name,
  }))
}

/** The primary key decides between equals; there are none among what is counted. */
function strictOrder({ relation, alias, items }: Node, order: string): string {
  const keys = relation.primaryKey.map((name) => `${identifier(alias)}.${identifier(name)}`)
  if (keys.length === 0 || items.some((item) => isCount(relation, item))) return order
  return order === '' ? ` order by ${keys.join(',')}` : `${order},${keys.join(',')}`
}

function isCount({ columns }: Relation, item: SelectItem): boolean {
  return item.kind === 'column' && item.field.name === COUNT && !columns.has(COUNT)
}

function orderOf(reading: Reading, node: Node): string {
  return orderSql(node.clauses.order, (term) => termSql(reading, node, term))
}

function termSql(reading: Reading, node: Node, { embed, field }: OrderTerm): string {
  if (embed === undefined) return columnSql(scopeOf(reading, node), field)
  const embedded = node.embeds.find(({ item }) => embedName(item) === embed)
  if (embedded === undefined) throw notEmbedded(embed)
  if (!isToOne(embedded.link)) {
    throw new RestError(
      'PGRST118',
      `A related order on '${embed}' is not possible`,
      `'${node.relation.name}' and '${embed}' do not form a many-to-one or one-to-one relationship`,
    )
  }
  const { from, joins } = joinSql(node, embedded)
  const where = whereSql([...joins, ...conditionsOf(reading, embedded.node)])
  return `(select ${columnSql(scopeOf(reading, embedded.node), field)} ${from}${where} limit 1)`
}

function notEmbedded(name: string): RestError {
  return new RestError(
    'PGRST108',
    `'${name}' is not an embedded resource in this request`,
    null,
    `Verify that '${name}' is included in the 'select' query parameter.`,
  )
}

/** A statement's result as one row: body, response.headers, response.status, rows of the page, rows in all. */
export function resultSql(rows: string, body: string, total: string, guards: string): string {
  return `with pgrst_source as (${rows}) ${resultOf('pgrst_source', body, total, guards)}`
}

export function resultOf(source: string, body: string, total: string, guards: string): string {
  return `select ${body},${GUCS},count(*),${total}${guards} from (select * from ${source}) pgrst_row`
}

export const GUCS =
  "nullif(current_setting('response.headers',true),''),nullif(current_setting('response.status',true),'')"

/** Lines of text: the names, then a row a line. */
export const CSV_BODY =
  "(select coalesce(string_agg(k,','),'') from (select json_object_keys(row_to_json(h)) as k from (select * from pgrst_source limit 1) h) n)" +
  "||E'\\n'||coalesce(string_agg(substring(pgrst_row::text,2,length(pgrst_row::text)-2),E'\\n'),'')"
