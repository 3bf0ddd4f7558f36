import { openSync, writeSync } from 'node:fs'
import process from 'node:process'

type Level = 'info' | 'warning' | 'error'

/** The forms of k6's log, by the names of its `--log-format`; `raw` is the message alone. */
export const LOG_FORMATS = {
  text: (level: Level, message: string) =>
    `time="${new Date().toISOString()}" level=${level} msg=${JSON.stringify(message)}`,
  json: (level: Level, message: string) =>
    JSON.stringify({ level, msg: message, time: new Date().toISOString() }),
  raw: (_: Level, message: string) => message,
} as const

export type LogFormat = keyof typeof LOG_FORMATS

const BUFFERED_CHARS_MAX = 65_536

let format: LogFormat = 'text'
let writeConsole: ((line: string) => void) | undefined

/** For the whole process, before anything is logged: one process runs one test. */
export function configureLog(chosen: LogFormat, consoleOutput: string | undefined): void {
  format = chosen
  writeConsole = consoleOutput === undefined ? undefined : appendTo(consoleOutput)
}

/** One line on stderr, in the form of k6's log. */
export function log(level: Level, message: string): void {
  process.stderr.write(`${LOG_FORMATS[format](level, message)}\n`)
}

/** What a script prints: as in k6 it goes to stderr with the rest of the log, or to the file that `--console-output` names. */
export function logConsole(level: Level, message: string): void {
  if (writeConsole === undefined) log(level, message)
  else writeConsole(`${LOG_FORMATS[format](level, message)}\n`)
}

/** Buffered: a script may print a line a request. What is there stays, as in k6. */
function appendTo(file: string): (line: string) => void {
  const target = openSync(file, 'a')
  let lines = ''
  const flush = () => {
    if (lines !== '') writeSync(target, lines)
    lines = ''
  }
  process.once('exit', flush)
  return (line) => {
    lines += line
    if (lines.length > BUFFERED_CHARS_MAX) flush()
  }
}
