import { arrayText } from '../../db/array-text.ts'
import { identifier, literal } from '../../db/call.ts'
import { EXPOSED_SCHEMA } from './catalogue.ts'
import { type Condition, type Filter, OPERATORS, TEXT_SEARCHES, type Test } from './filter.ts'
import { likeliest } from './likeness.ts'
import type { Column } from './relations.ts'
import type { Arrow, Field } from './scanner.ts'
import type { Scope } from './scope.ts'
import { slugSource } from './slugs.ts'
import { missingColumn, SqlRefusal } from './sql-refusal.ts'

export function conditionSql(scope: Scope, condition: Condition): string {
  if (condition.kind === 'filter') return filterSql(scope, condition)
  const joined = condition.conditions.map((one) => conditionSql(scope, one)).join(` ${condition.kind} `)
  return `${condition.negated ? 'not ' : ''}(${joined})`
}

function filterSql(scope: Scope, { field, negated, test }: Filter): string {
  const not = negated ? 'not ' : ''
  const rows = test.op === 'is' && field.arrows.length === 0 ? scope.exists(field.name) : undefined
  if (rows !== undefined && test.op === 'is' && /null$/.test(test.value)) {
    return `${negated === (test.value === 'null') ? '' : 'not '}${rows}`
  }
  return `${not}${testSql(scope, field, test)}`
}

/** A column, and the part of its JSON that is meant. Throws for one that the table does not have. */
export function columnSql(scope: Scope, { name, arrows }: Field): string {
  const computed = computedOf(scope, name)
  const column = computed ?? columnOf(scope, name)
  const row = identifier(scope.alias)
  const sql =
    computed === undefined ? `${row}.${identifier(name)}` : `${EXPOSED_SCHEMA}.${identifier(name)}(${row})`
  if (arrows.length === 0) return sql
  const isJson = column.type === 'json' || column.type === 'jsonb'
  return (isJson ? sql : `to_jsonb(${sql})`) + arrows.map(arrowSql).join('')
}

/** Only of a row of the table itself: what a statement gives has not all of it. */
function computedOf({ relation, reader }: Scope, name: string) {
  return relation.columns.has(name) || reader !== undefined ? undefined : relation.computed.get(name)
}

function columnOf({ relation, reader }: Scope, name: string): Column {
  const column = relation.columns.get(name)
  if (column !== undefined && reader !== undefined && !column.readers.includes(reader)) {
    throw new SqlRefusal('42501', `permission denied for table ${relation.name}`)
  }
  if (column === undefined) throw missingColumn(relation.name, name, likeliest(name, relation.columns.keys()))
  return column
}

const INDEX_DIGITS_MAX = 9

function arrowSql({ text, key, isIndex }: Arrow): string {
  const arrow = text ? '->>' : '->'
  return isIndex && key.replace(/^[+-]/, '').length <= INDEX_DIGITS_MAX
    ? `${arrow}${Number(key)}`
    : `${arrow}${literal(key)}`
}

function testSql(scope: Scope, field: Field, test: Test): string {
  const column = columnSql(scope, field)
  switch (test.op) {
    case 'is':
      return `${column} is ${test.value}`
    case 'in':
      return inSql(scope, field, column, test.values)
    case 'fts':
    case 'plfts':
    case 'phfts':
    case 'wfts':
      return searchSql(scope, field, column, test)
    default:
      return operatorSql(scope, field, column, test)
  }
}

type SimpleTest = Extract<Test, { readonly quantifier: unknown }>

function operatorSql(
  scope: Scope,
  field: Field,
  column: string,
  { op, quantifier, value }: SimpleTest,
): string {
  const operator = OPERATORS[op]
  const isPattern = op === 'like' || op === 'ilike'
  const right = literal(isPattern ? value.replaceAll('*', '%') : value)
  if (quantifier !== undefined) return `${column} ${operator} ${quantifier}(${right})`
  const slug = op === 'eq' || op === 'neq' ? slugSource(scope, field, [value]) : undefined
  if (slug !== undefined) return op === 'eq' ? `${column}=any(${slug})` : `${column}<>all(${slug})`
  return `${column} ${operator} ${right}`
}

function inSql(scope: Scope, field: Field, column: string, values: readonly string[]): string {
  return `${column}=any(${slugSource(scope, field, values) ?? literal(arrayText(values))})`
}

type SearchTest = Extract<Test, { readonly language: unknown }>

function searchSql(scope: Scope, field: Field, column: string, { op, language, value }: SearchTest): string {
  const config = language === undefined || language === '' ? '' : `${literal(language)},`
  const isVector =
    field.arrows.length === 0 &&
    (computedOf(scope, field.name) ?? columnOf(scope, field.name)).type === 'tsvector'
  const document = isVector ? column : `to_tsvector(${config}${column})`
  return `${document}@@${TEXT_SEARCHES[op]}(${config}${literal(value)})`
}
