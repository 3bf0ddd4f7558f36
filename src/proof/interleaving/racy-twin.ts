import { AssertionError } from 'node:assert'

/**
 * Mutation testing of a race: a twin database, whose verbs lost what they hold, must lose it by an assertion. What cannot run
 * there has lost nothing: any other error is thrown.
 */
export async function losesRace(run: () => Promise<void>): Promise<boolean> {
  try {
    await run()
    return false
  } catch (error) {
    if (error instanceof AssertionError) return true
    throw error
  }
}
