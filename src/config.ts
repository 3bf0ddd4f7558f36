import { join, resolve } from 'node:path'
import { z } from 'zod'

/** What the operator decides, from the environment. The only reader of process.env. */
export interface Config {
  /** Any PostgreSQL from 15 on; without it one is started that npm brought. */
  readonly databaseUrl: string | undefined
  /** Data, secrets and logs of this installation. */
  readonly home: string
  readonly host: string
  readonly port: number
  /** Signs keys and tokens; made and kept in `home` where it is not given. */
  readonly jwtSecret: string | undefined
  /** Where people reach the server, when that is not its own address. */
  readonly publicUrl: string | undefined
  readonly color: boolean
}

/** A variable that cannot be what it says. */
class ConfigError extends Error {
  readonly code = 'INVALID_CONFIG'
}

const portRule = 'must be a port from 0 to 65535'

const environment = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' }).optional(),
  ADMIT_ONE_HOME: z.string().min(1).default('.admit-one'),
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number(portRule).int(portRule).min(0, portRule).max(65_535, portRule).default(54_321),
  JWT_SECRET: z.string().min(32, 'must have at least 32 characters').optional(),
  PUBLIC_URL: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).optional(),
  NO_COLOR: z.string().optional(),
})

/** `changes` go over the environment: what a command was told by its own options. Throws a ConfigError. */
export function readConfig(changes: Readonly<Record<string, string>> = {}): Config {
  const set = Object.fromEntries(
    Object.entries({ ...process.env, ...changes }).filter(([, value]) => value !== ''),
  )
  const parsed = environment.safeParse(set)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new ConfigError(`${String(issue?.path[0])} ${issue?.message}.`)
  }
  const { DATABASE_URL, ADMIT_ONE_HOME, HOST, PORT, JWT_SECRET, PUBLIC_URL, NO_COLOR } = parsed.data
  return {
    databaseUrl: DATABASE_URL,
    home: resolve(ADMIT_ONE_HOME),
    host: HOST,
    port: PORT,
    jwtSecret: JWT_SECRET,
    publicUrl: PUBLIC_URL,
    color: NO_COLOR === undefined,
  }
}

/** Where the embedded PostgreSQL of `admit-one start` lives. */
export function dataFolderOf(config: Config): string {
  return join(config.home, 'postgres')
}

/** The variables that make a child process see this configuration, and `changes` over it. */
export function childEnvironment(changes: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  return { ...process.env, ...changes }
}
