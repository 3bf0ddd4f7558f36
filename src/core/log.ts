/** From the rarest to the most talkative. */
const LEVELS = ['error', 'warn', 'info'] as const

export type Level = (typeof LEVELS)[number]

/** What happened, and facts about it: ids, codes and routes, never a body, a secret, a name or an address. */
export type Log = (level: Level, event: string, facts?: Readonly<Record<string, unknown>>) => void

/** Structured log: one JSON line an event, up to `level`, with the time of `clock`; `always` stands in each of them. */
export function openLog(
  level: Level,
  clock: () => Date,
  write: (line: string) => void,
  always: Readonly<Record<string, unknown>> = {},
): Log {
  const most = LEVELS.indexOf(level)
  return (of, event, facts = {}) => {
    if (LEVELS.indexOf(of) > most) return
    write(JSON.stringify({ time: clock().toISOString(), level: of, event, ...always, ...facts }))
  }
}
