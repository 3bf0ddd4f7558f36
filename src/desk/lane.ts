/**
 * A bulkhead: which share of the server a request works in, places and connections alike, so that buyers can keep neither
 * gates nor payments nor operators out.
 */
export type Lane = 'buyers' | 'gates' | 'webhooks' | 'health'
