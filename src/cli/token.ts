import { defineCommand } from 'citty'
import { mintToken } from '../api/keys.ts'
import { readConfig } from '../config.ts'
import { UUID } from '../core/uuid.ts'
import { CommandError } from './failure.ts'
import { jwtSecretOf } from './secrets.ts'

const HOURS_MAX = 30 * 24

export const token = defineCommand({
  meta: { name: 'token', description: 'Print a JWT for a user, such as a member of the door staff' },
  args: {
    user: { type: 'positional', required: false, description: "the user's id, a UUID" },
    hours: { type: 'string', default: '24', description: `how long it holds, at most ${HOURS_MAX}` },
    email: { type: 'string', description: "the user's e-mail address" },
  },
  run: async ({ args: { _: users, hours, email } }) => {
    const [user, ...more] = users
    if (user === undefined || more.length > 0 || !UUID.test(user)) {
      throw new CommandError('Name one user by id, a UUID: `admit-once token 8d3c0e2a-…`.')
    }
    const seconds = Number(hours) * 3600
    if (!(seconds >= 1 && seconds <= HOURS_MAX * 3600)) {
      throw new CommandError(`--hours must be a number above 0, at most ${HOURS_MAX}.`)
    }
    const request = { sub: user, expiresInSeconds: Math.floor(seconds) }
    const secret = await jwtSecretOf(readConfig())
    console.log(await mintToken(secret, email === undefined ? request : { ...request, email }))
  },
})
