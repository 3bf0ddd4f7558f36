import { randomUUID } from 'node:crypto'

/** What nobody may write into a column that is theirs. */
export const badValues = (
  takenSlug: string,
): readonly (readonly [table: string, column: string, value: unknown])[] => [
  ['events', 'title', null],
  ['events', 'title', ''],
  ['events', 'title', 'x'.repeat(301)],
  ['events', 'start_at', '2099-01-01'],
  ['events', 'end_at', '2000-01-01'],
  ['events', 'start_at', 'tomorrowish'],
  ['events', 'currency', 'euro'],
  ['events', 'currency', 'ZZZ'],
  ['events', 'fee_basis_points', -1],
  ['events', 'fee_basis_points', 1e9],
  ['events', 'slug', 'Not A Slug'],
  ['events', 'slug', takenSlug],
  ['events', 'status', 'open'],
  ['events', 'id', randomUUID()],
  ['events', 'date', '2086-05-01T18:00:00Z'],
  ['ticket_tiers', 'price_cents', -1],
  ['ticket_tiers', 'price_cents', 1],
  ['ticket_tiers', 'price_cents', 1e12],
  ['ticket_tiers', 'price_cents', 'free'],
  ['ticket_tiers', 'total_quantity', -1],
  ['ticket_tiers', 'total_quantity', 1e8],
  ['ticket_tiers', 'total_quantity', 1.5],
  ['ticket_tiers', 'max_per_order', 0],
  ['ticket_tiers', 'status', 'gone'],
  ['businesses', 'name', ''],
  ['businesses', 'slug', '-'],
]
