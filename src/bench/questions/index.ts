import type { Question } from '../question.ts'
import { checkout } from './checkout.ts'
import { growthWindows } from './growth-windows.ts'
import { hotTier } from './hot-tier.ts'
import { manyTiers } from './many-tiers.ts'
import { memory } from './memory.ts'
import { openLoop } from './open-loop.ts'
import { scans } from './scans.ts'
import { soldOut } from './sold-out.ts'
import { standby } from './standby.ts'
import { startUp } from './start-up.ts'
import { webhooks } from './webhooks.ts'

/** In the order in which they are asked where none is named. */
export const QUESTIONS: readonly Question[] = [
  hotTier,
  manyTiers,
  openLoop,
  soldOut,
  checkout,
  webhooks,
  scans,
  growthWindows,
  standby,
  startUp,
  memory,
]
