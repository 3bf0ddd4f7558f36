export type { Lane } from '../core/capacity.ts'
