import type { ScanOutcome } from '../../core/scan-outcomes.ts'

/**
 * One sentence for the door, in its language; English where it is not among ours. Takes `de` and `de-AT` alike. `event` is the
 * title of the event that a ticket is for.
 */
export function scanMessage(outcome: ScanOutcome, language: unknown, event = ''): string {
  return MESSAGES[languageOf(language) ?? 'en'][outcome].replace(EVENT, () => event)
}

/** Whether the door is answered in the language that it asked for; it need not ask. */
export function isSpoken(language: unknown): boolean {
  return language === undefined || language === null || language === '' || languageOf(language) !== undefined
}

function languageOf(language: unknown): Language | undefined {
  if (typeof language !== 'string' || language.length > LANGUAGE_LENGTH_MAX) return undefined
  const name = language.toLowerCase().split(/[-_]/)[0] ?? ''
  return Object.hasOwn(MESSAGES, name) ? (name as Language) : undefined
}

const LANGUAGE_LENGTH_MAX = 35

type Language = keyof typeof MESSAGES

const EVENT = '{event}'

const MESSAGES = {
  en: {
    ADMITTED: 'Welcome!',
    ALREADY_USED: 'This code was already used.',
    UNDONE: 'This scan was undone: scan again.',
    REFUNDED: 'Refunded: this ticket no longer admits.',
    REFUNDING: 'Being refunded: this ticket does not admit.',
    CANCELLED: 'Cancelled: this code does not admit.',
    EVENT_CANCELLED: 'The event is cancelled.',
    TOO_EARLY: 'Too early: entry has not begun.',
    TOO_LATE: 'Too late: entry is over.',
    UNREADABLE: 'Not readable: scan again.',
    UNKNOWN: 'This code is not valid here.',
    WRONG_EVENT: 'This ticket is for another event: {event}',
  },
  el: {
    ADMITTED: 'Καλώς ήρθατε!',
    ALREADY_USED: 'Ο κωδικός έχει ήδη χρησιμοποιηθεί.',
    UNDONE: 'Η σάρωση αναιρέθηκε: σαρώστε ξανά.',
    REFUNDED: 'Έγινε επιστροφή χρημάτων: το εισιτήριο δεν ισχύει πια.',
    REFUNDING: 'Γίνεται επιστροφή χρημάτων: το εισιτήριο δεν ισχύει.',
    CANCELLED: 'Ακυρώθηκε: ο κωδικός δεν ισχύει.',
    EVENT_CANCELLED: 'Η εκδήλωση ακυρώθηκε.',
    TOO_EARLY: 'Πολύ νωρίς: η είσοδος δεν έχει αρχίσει.',
    TOO_LATE: 'Πολύ αργά: η είσοδος έχει λήξει.',
    UNREADABLE: 'Δεν διαβάστηκε: σαρώστε ξανά.',
    UNKNOWN: 'Ο κωδικός δεν ισχύει εδώ.',
    WRONG_EVENT: 'Το εισιτήριο είναι για άλλη εκδήλωση: {event}',
  },
  de: {
    ADMITTED: 'Willkommen!',
    ALREADY_USED: 'Dieser Code wurde bereits benutzt.',
    UNDONE: 'Dieser Scan wurde rückgängig gemacht: bitte noch einmal scannen.',
    REFUNDED: 'Erstattet: Dieses Ticket gilt nicht mehr.',
    REFUNDING: 'Wird erstattet: Dieses Ticket gilt nicht.',
    CANCELLED: 'Storniert: Dieser Code gilt nicht.',
    EVENT_CANCELLED: 'Die Veranstaltung ist abgesagt.',
    TOO_EARLY: 'Zu früh: Der Einlass hat noch nicht begonnen.',
    TOO_LATE: 'Zu spät: Der Einlass ist vorbei.',
    UNREADABLE: 'Nicht lesbar: bitte noch einmal scannen.',
    UNKNOWN: 'Dieser Code gilt hier nicht.',
    WRONG_EVENT: 'Dieses Ticket ist für eine andere Veranstaltung: {event}',
  },
  fr: {
    ADMITTED: 'Bienvenue !',
    ALREADY_USED: 'Ce code a déjà été utilisé.',
    UNDONE: 'Ce scan a été annulé : scannez à nouveau.',
    REFUNDED: 'Remboursé : ce billet n’est plus valable.',
    REFUNDING: 'En cours de remboursement : ce billet n’est pas valable.',
    CANCELLED: 'Annulé : ce code n’est pas valable.',
    EVENT_CANCELLED: 'L’événement est annulé.',
    TOO_EARLY: 'Trop tôt : l’entrée n’a pas commencé.',
    TOO_LATE: 'Trop tard : l’entrée est terminée.',
    UNREADABLE: 'Illisible : scannez à nouveau.',
    UNKNOWN: 'Ce code n’est pas valable ici.',
    WRONG_EVENT: 'Ce billet est pour un autre événement : {event}',
  },
  es: {
    ADMITTED: '¡Bienvenido!',
    ALREADY_USED: 'Este código ya se ha usado.',
    UNDONE: 'Esta lectura se ha anulado: vuelva a escanear.',
    REFUNDED: 'Reembolsada: esta entrada ya no es válida.',
    REFUNDING: 'En proceso de reembolso: esta entrada no es válida.',
    CANCELLED: 'Cancelado: este código no es válido.',
    EVENT_CANCELLED: 'El evento está cancelado.',
    TOO_EARLY: 'Demasiado pronto: el acceso no ha empezado.',
    TOO_LATE: 'Demasiado tarde: el acceso ha terminado.',
    UNREADABLE: 'No se puede leer: vuelva a escanear.',
    UNKNOWN: 'Este código no es válido aquí.',
    WRONG_EVENT: 'Esta entrada es de otro evento: {event}',
  },
  it: {
    ADMITTED: 'Benvenuti!',
    ALREADY_USED: 'Questo codice è già stato usato.',
    UNDONE: 'Questa scansione è stata annullata: scansionare di nuovo.',
    REFUNDED: 'Rimborsato: questo biglietto non è più valido.',
    REFUNDING: 'In fase di rimborso: questo biglietto non è valido.',
    CANCELLED: 'Annullato: questo codice non è valido.',
    EVENT_CANCELLED: "L'evento è annullato.",
    TOO_EARLY: "Troppo presto: l'ingresso non è ancora iniziato.",
    TOO_LATE: "Troppo tardi: l'ingresso è terminato.",
    UNREADABLE: 'Non leggibile: scansionare di nuovo.',
    UNKNOWN: 'Questo codice non è valido qui.',
    WRONG_EVENT: 'Questo biglietto è per un altro evento: {event}',
  },
} as const satisfies Record<string, Readonly<Record<ScanOutcome, string>>>
