import type { Lookup } from '../lookup.ts'
import { type Checker, judged, type Witness, witnessOf } from './checker.ts'

/** No id is given twice: neither to two wishes, nor to two rows. */
export const uniqueIds: Checker = {
  name: 'unique-ids',
  promise: 'no order, hold, ticket or payment has the id of another',
  judge: (lookup) => {
    const acknowledged = lookup.checkouts.filter((wish) => wish.acknowledged.length > 0)
    return judged(acknowledged.length + lookup.history.rows.length, 'ids', [
      ...givenTwice(lookup),
      ...rowsAlike(lookup),
    ])
  },
}

function givenTwice({ checkouts, reservations }: Lookup): readonly Witness[] {
  const owners = new Map<string, (typeof checkouts)[number]>()
  return [...checkouts, ...reservations].flatMap((wish) => {
    const ids = new Set(wish.acknowledged.flatMap(({ answered }) => answered.holds ?? answered.order ?? []))
    const other = [...ids]
      .map((id) => owners.get(`${wish.database} ${id}`))
      .find((owner) => owner !== undefined)
    for (const id of ids) owners.set(`${wish.database} ${id}`, wish)
    if (other === undefined) return []
    return [
      witnessOf('two who asked by themselves were given the same', [
        ...other.acknowledged.slice(0, 1),
        ...wish.acknowledged.slice(0, 1),
      ]),
    ]
  })
}

function rowsAlike({ history, of }: Lookup): readonly Witness[] {
  const kinds = Map.groupBy(history.rows, ({ database, row }) => `${database} ${row}`)
  return [...kinds.values()].flatMap((rows) => {
    if (new Set(rows.map(({ id }) => id)).size === rows.length) return []
    const alike = rows.find(({ database, row, id }) => of(database).byId(row, id).length > 1)
    if (alike === undefined) return []
    return [witnessOf('two rows have one id', [], of(alike.database).byId(alike.row, alike.id))]
  })
}
