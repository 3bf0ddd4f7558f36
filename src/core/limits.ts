/** Limits on what a caller may send. SQL enforces each as well. */
export const QUANTITY_MAX = 1000
export const PARTY_SIZE_MAX = 1000
