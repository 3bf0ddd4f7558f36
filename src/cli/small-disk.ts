import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A disk of its own that can be full. */
export interface SmallDisk {
  /** What is put there is on it. */
  readonly folder: string
  fill(): Promise<void>
  free(): Promise<void>
  close(): Promise<void>
}

const BYTES = 400 * 1024 ** 2

/** Why there is none on this machine; undefined where there is. */
export const NO_SMALL_DISK =
  process.getuid?.() === 0 && process.platform === 'linux' ? undefined : 'only root mounts a disk of its own'

/**
 * A tmpfs at `folder`. It is mounted by a process that holds our pipe: when we are gone, killed included, it ends the mount.
 * Throws where this machine mounts none.
 */
export async function openSmallDisk(folder: string): Promise<SmallDisk> {
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const holder = spawn('sh', ['-c', HOLD, folder, String(BYTES)], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  })
  const ended = once(holder, 'exit')
  if (!(await isMounted(holder, ended))) throw new Error(`no disk of its own can be mounted at ${folder}`)
  const filler = join(folder, 'filler')
  return {
    folder,
    fill: async () => {
      const { bavail, bsize } = await statfs(folder)
      // The last bytes may be somebody else's already.
      await writeFile(filler, Buffer.alloc(bavail * bsize)).catch(() => undefined)
    },
    free: () => rm(filler, { force: true }),
    close: async () => {
      holder.stdin?.end()
      await ended
    },
  }
}

const HOLD = `mount -t tmpfs -o "size=$1,mode=755" admit-once "$0" || exit 1
echo mounted
cat > /dev/null
umount --lazy "$0" && rmdir "$0"`

async function isMounted(holder: ChildProcess, ended: Promise<unknown>): Promise<boolean> {
  const said = holder.stdout === null ? ended : once(holder.stdout, 'data')
  return (await Promise.race([said.then(() => true), ended.then(() => false)])) && holder.exitCode === null
}
