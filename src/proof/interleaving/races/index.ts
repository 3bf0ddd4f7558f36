import type { Race } from '../race.ts'
import { ADMITTING } from './admitting.ts'
import { OFFERS_AND_SLOTS } from './offers-and-slots.ts'
import { PAYING } from './paying.ts'
import { SELLING } from './selling.ts'

export const RACES: readonly Race[] = [...SELLING, ...OFFERS_AND_SLOTS, ...PAYING, ...ADMITTING]
