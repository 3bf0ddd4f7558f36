/** A stack of what must be closed, the last opened first. */
export interface Closing {
  /** Gives what was opened, and closes it with `end` when all is closed. */
  after<Part>(part: Part | Promise<Part>, end: (part: Part) => Promise<void>): Promise<Part>
  /** One that fails keeps no other from being closed; the first failure is thrown. */
  close(): Promise<void>
}

export function openClosing(): Closing {
  const ends: (() => Promise<void>)[] = []
  return {
    after: async (opening, end) => {
      const part = await opening
      ends.push(() => end(part))
      return part
    },
    close: async () => {
      const failures: unknown[] = []
      for (const end of ends.splice(0).reverse()) await end().catch((error) => failures.push(error))
      if (failures.length > 0) throw failures[0]
    },
  }
}
