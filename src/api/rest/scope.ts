import type { Relation, Relations } from './relations.ts'

/** Whose columns a condition names. */
export interface Scope {
  readonly relation: Pick<Relation, 'name' | 'columns' | 'computed'>
  readonly alias: string
  readonly relations: Relations | undefined
  /** Set where the rows come from a statement of their own, in which the database does not ask who may read. */
  readonly reader?: string | undefined
  /** That rows of an embedded resource are there; undefined where none has the name. */
  exists(name: string): string | undefined
}
