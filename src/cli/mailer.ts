import { type Mailer, openOutbox, openSmtpMailer, printedMailer } from '../api/auth/mailer.ts'
import type { Config } from '../config.ts'
import type { Log } from '../core/log.ts'
import { isPublic } from './payments.ts'

/** Sends mails, or prints them where nobody but a developer reads along. */
export function mailerOf(config: Config, log: Log): Mailer | undefined {
  const { smtpUrl, mailFrom } = config.auth
  if (smtpUrl !== undefined) return openOutbox(openSmtpMailer(smtpUrl, mailFrom), log)
  const isDevelopment =
    !isPublic(config) && config.stripe?.isLive !== true && config.clientAddressHeader === undefined
  return isDevelopment ? printedMailer(console.log) : undefined
}
