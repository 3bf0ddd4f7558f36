import { setTimeout } from 'node:timers/promises'
import nodemailer from 'nodemailer'
import type { Log } from '../../core/log.ts'

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Whatever sends mails; rejects where one was not taken. */
export interface Mailer {
  send(mail: Mail): Promise<void>
  close(): void | Promise<void>
}

const TIMEOUT_MS = 10_000

/** Sends by SMTP: `smtps://user:password@host`, or `smtp://` with STARTTLS where the server has it. */
export function openSmtpMailer(url: string, from: string): Mailer {
  const transport = nodemailer.createTransport({
    url,
    pool: true,
    maxConnections: 2,
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
  })
  return {
    send: async (mail) => {
      await transport.sendMail({ ...mail, from })
    },
    close: () => transport.close(),
  }
}

/** For development: the mail is printed where the server runs. */
export function printedMailer(print: (text: string) => void): Mailer {
  return {
    send: async ({ to, subject, text }) =>
      print(`\n  Mail to ${to}: ${subject}\n  ${text.replaceAll('\n', '\n  ')}\n`),
    close: () => {},
  }
}

/** Mails that wait or are on their way at most; what comes beyond is not sent. */
const OUTBOX_MAX = 1_000
const CLOSE_MS_MAX = 10_000

/**
 * Mails go out after the answer: neither it nor its time tells whether somebody has the address. One that is not taken is logged,
 * and its code asked for again.
 */
export function openOutbox(mailer: Mailer, log: Log): Mailer {
  const leaving = new Set<Promise<void>>()
  return {
    send: async (mail) => {
      if (leaving.size >= OUTBOX_MAX) return log('error', 'mail_failed', { cause: 'OUTBOX_FULL' })
      const sent = mailer
        .send(mail)
        .catch((error: unknown) => log('error', 'mail_failed', { cause: causeOf(error) }))
        .finally(() => leaving.delete(sent))
      leaving.add(sent)
    },
    close: async () => {
      await Promise.race([Promise.all(leaving), setTimeout(CLOSE_MS_MAX, undefined, { ref: false })])
      await mailer.close()
    },
  }
}

/** What the server of mails said, without the words in which it may name an address. */
function causeOf(error: unknown): string {
  const { code, responseCode } = error as { readonly code?: unknown; readonly responseCode?: unknown }
  return [code, responseCode].filter((part) => part !== undefined).join(' ') || 'UNKNOWN'
}
