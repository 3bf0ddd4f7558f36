import type { Routine } from './catalogue.ts'
import type { Column, Relation, Relations } from './relations.ts'

/**
 * The rows that a function gives, as a relation that is read like a table: those of a table embed what the table does. Whoever may call
 * the function may read them.
 */
export function resultRelation(routine: Routine, { tables }: Relations, role: string): Relation {
  const table = routine.rowsOf === null ? undefined : tables.get(routine.rowsOf)
  const columns = table === undefined ? routine.columns.map(columnOf) : [...table.columns.values()]
  return {
    ...NO_TABLE,
    ...table,
    name: table?.name ?? (tables.has(routine.name) ? CALL : routine.name),
    computed: new Map(),
    columns: new Map(columns.map((column) => [column.name, { ...column, readers: [role] }])),
  }
}

/** The rows' name in a statement. */
export const CALL = 'pgrst_call'

const NO_TABLE = { kind: 'view', primaryKey: [], comment: null } as const

function columnOf({ name, type }: { readonly name: string; readonly type: string }): Column {
  return { name, type, isNullable: true, fallback: null, isGenerated: false, readers: [], comment: null }
}
