import { type Lookup, MAKING_VERBS, type Wish } from '../lookup.ts'
import { type Checker, found, type Witness, witnessOf } from './checker.ts'

/** No id is given twice: neither to two wishes, nor to two rows. */
export const uniqueIds: Checker = {
  name: 'unique-ids',
  promise: 'no order, hold, ticket, payment, claim or booking has the id of another',
  what: 'ids',
  look: (lookup) => {
    const made = MAKING_VERBS.flatMap(lookup.wishes)
    const acknowledged = made.filter((wish) => wish.acknowledged.length > 0)
    return found(acknowledged.length + lookup.rows.length, [
      ...givenTwice([...made, ...lookup.reservations]),
      ...rowsAlike(lookup),
    ])
  },
}

function givenTwice(wishes: readonly Wish[]): readonly Witness[] {
  const owners = new Map<string, Wish>()
  return wishes.flatMap((wish) => {
    const ids = new Set(
      wish.acknowledged.flatMap(
        ({ answered }) => answered.holds ?? answered.order ?? answered.claim ?? answered.booking ?? [],
      ),
    )
    const other = [...ids].map((id) => owners.get(id)).find((owner) => owner !== undefined)
    for (const id of ids) owners.set(id, wish)
    if (other === undefined) return []
    return [
      witnessOf('two who asked by themselves were given the same', [
        ...other.acknowledged.slice(0, 1),
        ...wish.acknowledged.slice(0, 1),
      ]),
    ]
  })
}

function rowsAlike({ rows, ledger }: Lookup): readonly Witness[] {
  const kinds = Map.groupBy(rows, ({ row }) => row)
  return [...kinds.values()].flatMap((all) => {
    if (new Set(all.map(({ id }) => id)).size === all.length) return []
    const alike = all.find(({ row, id }) => ledger.byId(row, id).length > 1)
    if (alike === undefined) return []
    return [witnessOf('two rows have one id', [], ledger.byId(alike.row, alike.id))]
  })
}
