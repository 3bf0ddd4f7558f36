import { type FileHandle, open } from 'node:fs/promises'

/** Append-only journal: lines in a file, one JSON value each, in the order of `append`. */
export interface Journal {
  append(value: unknown): void
  /** Why nothing can be written any more; undefined while all is well. */
  broken(): Error | undefined
  /** Returns when everything appended is with the operating system. */
  close(): Promise<void>
}

/**
 * Opens or creates the file, hands every line to `read`, then appends to it. Appending never waits: what came together
 * is written together, so a crash of the process loses the last milliseconds (one of the machine, what it had not
 * flushed). A last line that such a crash tore is cut off. Throws for a line that is not JSON, or that `read` refuses.
 */
export async function openJournal(path: string, read: (value: unknown) => void): Promise<Journal> {
  const file = await open(path, 'a+', 0o600)
  try {
    await cutTornLine(file)
    await readLines(file, path, read)
  } catch (error) {
    await file.close()
    throw error
  }
  return appendTo(file, path)
}

export const noJournal: Journal = { append: () => {}, broken: () => undefined, close: async () => {} }

function appendTo(file: FileHandle, path: string): Journal {
  let waiting: string[] = []
  let writing: Promise<void> | undefined
  let failure: Error | undefined
  const write = async () => {
    // A turn of the event loop gathers what is asked for at once.
    await new Promise((resolve) => setImmediate(resolve))
    while (waiting.length > 0 && failure === undefined) {
      const lines = waiting
      waiting = []
      await file.appendFile(lines.join('')).catch((cause: unknown) => {
        failure = new Error(`The stand-in's journal ${path} cannot be written. Make room, then restart.`, {
          cause,
        })
      })
    }
    writing = undefined
  }
  return {
    append: (value) => {
      if (failure !== undefined) return
      waiting.push(`${JSON.stringify(value)}\n`)
      writing ??= write()
    },
    broken: () => failure,
    close: async () => {
      await writing
      await file.close()
    },
  }
}

const LINE_BYTES_MAX = 1024 * 1024

/** Everything behind the last line break was being written when the process ended. */
async function cutTornLine(file: FileHandle): Promise<void> {
  const { size } = await file.stat()
  const start = Math.max(0, size - LINE_BYTES_MAX)
  const tail = Buffer.alloc(size - start)
  await file.read(tail, 0, tail.length, start)
  if (tail.length > 0 && tail.at(-1) !== LINE_BREAK) {
    await file.truncate(start + tail.lastIndexOf(LINE_BREAK) + 1)
  }
}

async function readLines(file: FileHandle, path: string, read: (value: unknown) => void): Promise<void> {
  let number = 0
  for await (const line of file.readLines({ start: 0, autoClose: false })) {
    number += 1
    try {
      read(JSON.parse(line))
    } catch (cause) {
      const what = `Line ${number} of the stand-in's journal ${path} cannot be read. Move the file away to begin anew.`
      throw new Error(what, { cause })
    }
  }
}

const LINE_BREAK = 10
