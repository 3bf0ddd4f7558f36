import type { Relayed, RelayListener } from '../api/realtime/relay.ts'
import type { ReadFigures, Siblings } from '../api/siblings.ts'
import type { FromWorker, Question, ToWorker } from './worker-messages.ts'

/** What a worker asks the process that started it, which keeps what is common to all. */
export function joinSiblings(
  worker: number,
  say: (message: FromWorker, heard?: () => void) => boolean,
): { readonly siblings: Siblings; hear(message: ToWorker): void } {
  const asking = openAsking((questions) => say({ is: 'questions', questions }))
  let own: ReadFigures | undefined
  let scraping: PromiseWithResolvers<string> | undefined
  let listener: RelayListener | undefined
  const siblings: Siblings = {
    worker,
    spend: async (lane, network) => (await asking.ask({ of: 'rate', lane, network })) === 0,
    pause: (address, seconds) => asking.ask({ of: 'mail', address, seconds }),
    gather: (read) => {
      own = read
      return () => {
        if (scraping === undefined) {
          scraping = Promise.withResolvers<string>()
          say({ is: 'scrape' })
        }
        return scraping.promise
      }
    },
    relay: {
      send: openLossy((message, heard) => say({ is: 'relay', message }, heard)),
      listen: (it) => {
        listener = it
      },
    },
  }
  return {
    siblings,
    hear: (message) => {
      switch (message.is) {
        case 'answers':
          return asking.answer(message.answers)
        case 'read':
          void own?.(message.withDatabase).then((values) =>
            say({ is: 'figures', round: message.round, values }),
          )
          return
        case 'scraped':
          scraping?.resolve(message.text)
          scraping = undefined
          return
        case 'relayed':
          return listener?.heard(message.worker, message.message)
        case 'introduce':
          return listener?.introduce()
        case 'gone':
          return listener?.gone(message.worker)
      }
    },
  }
}

/**
 * Load shedding: while much waits to be heard, broadcasts are not passed on, as nobody is promised one; who comes and goes is.
 * `send` says false where much waits, and calls `heard` when its message is on its way.
 */
export function openLossy(
  send: (message: Relayed, heard: () => void) => boolean,
): (message: Relayed) => void {
  let isFull = false
  return (message) => {
    if (isFull && message.is === 'broadcast') return
    isFull = !send(message, () => {
      isFull = false
    })
  }
}

/** Gathering: what is asked while the last questions are away goes together with the next, in one message. */
function openAsking(send: (questions: readonly Question[]) => void) {
  let waiting: { readonly question: Question; readonly resolve: (answer: number) => void }[] = []
  let away: typeof waiting = []
  const go = () => {
    if (away.length > 0 || waiting.length === 0) return
    away = waiting
    waiting = []
    send(away.map(({ question }) => question))
  }
  return {
    ask: (question: Question) =>
      new Promise<number>((resolve) => {
        waiting.push({ question, resolve })
        go()
      }),
    answer: (answers: readonly number[]) => {
      for (const [n, { resolve }] of away.entries()) resolve(answers[n] ?? 0)
      away = []
      go()
    },
  }
}
