import { performance } from 'node:perf_hooks'
import { clearTimeout, setTimeout } from 'node:timers'
import { callExport } from './scenario-run.ts'
import { type Outcome, runTask, type VirtualUser } from './vu.ts'
import { endBy } from './watchdog.ts'

/** Calls a function of the script beside the iterations, which gets so long and no longer, also where it loops without end. */
export async function runStage(
  user: VirtualUser,
  name: string,
  argument: unknown,
  limit: { readonly timeoutMs: number; readonly late: (message: string) => Error },
): Promise<Exclude<Outcome, { kind: 'interrupted' }>> {
  const { timeoutMs } = limit
  const error = limit.late(`${name}() execution timed out after ${timeoutMs / 1000} seconds`)
  const late = { kind: 'failed', error, rejected: false } as const
  user.mustEndAtMs = performance.now() + timeoutMs
  const forget = endBy(timeoutMs)
  const timer = setTimeout(() => user.task?.finish(late), timeoutMs)
  const { outcome } = await runTask(user, () => callExport(user, name, argument))
  clearTimeout(timer)
  forget()
  return outcome.kind === 'interrupted' ? late : outcome
}
