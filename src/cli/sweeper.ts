import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import type { Account } from '../embedded/account.ts'
import { within } from '../embedded/processes.ts'

/** A folder whose processes go when it goes. */
export interface Sweeper {
  /** Kills every process that is in the folder, and removes it. In at most 30 s. */
  close(): Promise<void>
}

const SWEEP_MS_MAX = 30_000

/**
 * Supervision by a pipe: a process that holds ours, and sweeps the folder when it is closed, by us or because we are gone, killed
 * included. Daemons that daemons started are found by their working folder: they are in no group or session of ours. It is the
 * account of what it kills: root without CAP_SYS_PTRACE may not look into others. Linux only.
 */
export function openSweeper(folder: string, account: Account | undefined): Sweeper {
  const sweeper = spawn('sh', ['-c', SWEEP, folder], {
    ...account,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    // It hears no Ctrl-C.
    detached: true,
  })
  const ended = endOf(sweeper)
  return {
    close: async () => {
      sweeper.stdin?.end()
      if (!(await within(SWEEP_MS_MAX, ended))) sweeper.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What is killed may have started another one meanwhile: until none is left. */
const SWEEP = `cat > /dev/null
for round in $(seq 200); do
  found=$(find /proc/[0-9]* -maxdepth 1 -name cwd '(' -lname "$0" -o -lname "$0/*" ')')
  [ -n "$found" ] || break
  for path in $found; do
    pid=\${path%/cwd}
    kill -9 "\${pid#/proc/}"
  done
  sleep 0.05
done
rm -rf "$0"`

/** Also where it could not be started at all. */
async function endOf(process: ChildProcess): Promise<void> {
  await once(process, 'exit').catch(() => undefined)
}
