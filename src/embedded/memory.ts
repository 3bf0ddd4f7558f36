import { statfs } from 'node:fs/promises'

const FOLDER = '/dev/shm'

/** tmpfs: a folder in memory that has room for so many bytes, or undefined; Linux alone has one. */
export async function findMemoryFolder(bytes: number): Promise<string | undefined> {
  try {
    const { bavail, bsize } = await statfs(FOLDER)
    return bavail * bsize >= bytes ? FOLDER : undefined
  } catch {
    return undefined
  }
}
