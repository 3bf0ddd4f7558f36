import { RestError } from './errors.ts'
import { likeliest } from './likeness.ts'
import type { ForeignKey, Relation, Relations } from './relations.ts'
import type { SelectEmbed } from './select.ts'

/** How the rows of one table belong to a row of another. */
export interface Link {
  readonly cardinality: 'many-to-one' | 'one-to-one' | 'one-to-many' | 'many-to-many'
  readonly target: Relation
  /** Pairs of columns that are equal: here and there, or here and in the junction. */
  readonly near: readonly (readonly [here: string, there: string])[]
  /** The table between, and its columns with those of the target. */
  readonly junction?: { readonly table: string; readonly far: readonly (readonly [string, string])[] }
  /** The foreign key is the origin's own, so that its column names the link too. */
  readonly isHeld: boolean
  /** By what it can be named: the foreign keys, or the table between. */
  readonly names: readonly string[]
  readonly relationship: string
}

/** To one row, which is an object; else to a list. */
export function isToOne({ cardinality }: Link): boolean {
  return cardinality === 'many-to-one' || cardinality === 'one-to-one'
}

/** The one relationship that the embedding names; none or several is PostgREST's own refusal. */
export function findLink(relations: Relations, origin: Relation, embed: SelectEmbed): Link {
  const links = linksOf(relations, origin)
  const found = links.filter((link) => isNamed(origin, link, embed))
  const [link] = found
  if (link === undefined) throw noLink(relations, origin, embed, links)
  if (found.length > 1) throw severalLinks(origin, embed, found)
  return link
}

function isNamed(origin: Relation, link: Link, { target, hint }: SelectEmbed): boolean {
  const { near, names, cardinality, isHeld } = link
  const isOnly = (name: string) => near.length === 1 && near[0]?.[0] === name && isHeld
  const isTheirs = (name: string) =>
    near.length === 1 && near[0]?.[1] === name && cardinality !== 'many-to-many'
  if (hint === undefined) {
    const byKey = cardinality !== 'many-to-many' && names.includes(target)
    // Of a table that refers to itself, its name means those that refer to the row; the column means the one that it refers to.
    const isSelf = link.target.name === origin.name && isHeld
    return (target === link.target.name && !isSelf) || byKey || isOnly(target)
  }
  const isTarget = target === link.target.name
  return (
    isTarget && (names.includes(hint) || isOnly(hint) || (cardinality !== 'many-to-one' && isTheirs(hint)))
  )
}

function linksOf(relations: Relations, origin: Relation): readonly Link[] {
  const links: Link[] = []
  for (const key of relations.foreignKeys) {
    if (key.table === origin.name) links.push(...toTarget(relations, key))
    if (key.target === origin.name) links.push(...toHolders(relations, key), ...through(relations, key))
  }
  return links
}

function toTarget(relations: Relations, key: ForeignKey): readonly Link[] {
  const target = relations.tables.get(key.target)
  if (target === undefined) return []
  const near = pairs(key.columns, key.targetColumns)
  const cardinality = key.isUnique ? 'one-to-one' : 'many-to-one'
  const relationship = `${key.name} using ${described(key.table, key.columns)} and ${described(key.target, key.targetColumns)}`
  return [{ cardinality, target, near, names: [key.name], relationship, isHeld: true }]
}

function toHolders(relations: Relations, key: ForeignKey): readonly Link[] {
  const target = relations.tables.get(key.table)
  if (target === undefined) return []
  const near = pairs(key.targetColumns, key.columns)
  const cardinality = key.isUnique ? 'one-to-one' : 'one-to-many'
  const relationship = `${key.name} using ${described(key.target, key.targetColumns)} and ${described(key.table, key.columns)}`
  return [{ cardinality, target, near, names: [key.name], relationship, isHeld: false }]
}

/** Through a table whose primary key holds both foreign keys. */
function through(relations: Relations, first: ForeignKey): readonly Link[] {
  const table = relations.tables.get(first.table)
  const others = relations.foreignKeys.filter((key) => key.table === first.table && key !== first)
  return others.flatMap((second) => {
    const target = relations.tables.get(second.target)
    const inKey = [...first.columns, ...second.columns].every((name) => table?.primaryKey.includes(name))
    if (table === undefined || target === undefined || !inKey) return []
    const relationship = `${table.name} using ${first.name}(${first.columns.join(', ')}) and ${second.name}(${second.columns.join(', ')})`
    return {
      cardinality: 'many-to-many' as const,
      target,
      near: pairs(first.targetColumns, first.columns),
      junction: { table: table.name, far: pairs(second.columns, second.targetColumns) },
      names: [table.name],
      relationship,
      isHeld: false,
    }
  })
}

function pairs(left: readonly string[], right: readonly string[]): readonly (readonly [string, string])[] {
  return left.map((name, index) => [name, right[index] ?? ''] as const)
}

function described(table: string, columns: readonly string[]): string {
  return `${table}(${columns.join(', ')})`
}

function noLink(
  relations: Relations,
  origin: Relation,
  { target, hint }: SelectEmbed,
  links: readonly Link[],
): RestError {
  const searched = `Searched for a foreign key relationship between '${origin.name}' and '${target}'`
  const using = hint === undefined ? '' : ` using the hint '${hint}'`
  const near = likeliest(
    target,
    links.map((link) => link.target.name),
  )
  return new RestError(
    'PGRST200',
    `Could not find a relationship between '${origin.name}' and '${target}' in the schema cache`,
    `${searched}${using} in the schema 'public', but no matches were found.`,
    near === undefined || relations.tables.has(target)
      ? null
      : `Perhaps you meant '${near}' instead of '${target}'.`,
  )
}

function severalLinks(origin: Relation, { target }: SelectEmbed, found: readonly Link[]): RestError {
  const details = found.map((link) => ({
    cardinality: link.cardinality,
    embedding: `${origin.name} with ${link.target.name}`,
    relationship: link.relationship,
  }))
  const names = found.map((link) => `'${link.target.name}!${link.names[0]}'`).join(', ')
  return new RestError(
    'PGRST201',
    `Could not embed because more than one relationship was found for '${origin.name}' and '${target}'`,
    details,
    `Try changing '${target}' to one of the following: ${names}. Find the desired relationship in the 'details' key.`,
  )
}
