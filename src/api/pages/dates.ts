/** Dates in words, in one time zone, which is named beside every time. */
export interface Calendar {
  /** Such as "Saturday 28 November 2026". */
  day(iso: string): string
  /** Such as "20:00 CET". */
  time(iso: string): string
  /** Such as "28 Nov, 20:00 CET". */
  moment(iso: string): string
  /** The day of the month and the month, for a small calendar leaf. */
  leaf(iso: string): { readonly day: string; readonly month: string; readonly weekday: string }
  /** From one time to another, each in the zone of its own moment where clocks change between them; the day is named again where it is another one and the night is over. */
  span(startIso: string, endIso: string): string
}

/** The calendar of a house: its zone as PostgreSQL names it. */
export function calendarIn(timeZone: string): Calendar {
  const known = calendars.get(timeZone)
  if (known !== undefined) return known
  const calendar = openCalendar(isKnown(timeZone) ? timeZone : 'UTC')
  calendars.set(timeZone, calendar)
  return calendar
}

/** As many as there are zones: the database takes no other names. */
const calendars = new Map<string, Calendar>()

/** PostgreSQL knows names that no browser does, such as `posix/Europe/Athens`; UTC is true, and named, everywhere. */
function isKnown(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-GB', { timeZone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function openCalendar(timeZone: string): Calendar {
  const format = (options: Intl.DateTimeFormatOptions) => {
    const formatter = new Intl.DateTimeFormat('en-GB', { ...options, timeZone })
    return (iso: string) => formatter.format(new Date(iso))
  }
  const long = format({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' })
  const time = format({ hour: '2-digit', minute: '2-digit', timeZoneName: 'short' })
  const clock = format({ hour: '2-digit', minute: '2-digit' })
  const zone = (iso: string) => time(iso).replace(clock(iso), '')
  const short = format({ day: 'numeric', month: 'short' })
  const [day, month, weekday] = [
    format({ day: 'numeric' }),
    format({ month: 'short' }),
    format({ weekday: 'short' }),
  ]
  const moment = (iso: string) => `${short(iso)}, ${time(iso)}`
  return {
    day: (iso) => long(iso).replace(',', ''),
    time,
    moment,
    leaf: (iso) => ({ day: day(iso), month: month(iso), weekday: weekday(iso) }),
    span: (start, end) =>
      Date.parse(end) - Date.parse(start) < NIGHT_MS_MAX
        ? `${zone(start) === zone(end) ? clock(start) : time(start)} to ${time(end)}`
        : `${time(start)}, until ${moment(end)}`,
  }
}

/** An evening that ends after midnight is still one evening. */
const NIGHT_MS_MAX = 18 * 60 * 60 * 1000

/** The time from `now` until then in whole minutes, such as "14 minutes"; never less than one. */
export function minutesLeft(iso: string, now: Date): string {
  const minutes = Math.max(1, Math.floor((Date.parse(iso) - now.getTime()) / 60_000))
  return count(minutes, 'minute')
}

/** Such as "1 ticket" and "2 tickets". */
export function count(quantity: number, noun: string): string {
  return `${amount(quantity)} ${noun}${quantity === 1 ? '' : 's'}`
}

export function amount(quantity: number): string {
  return quantity.toLocaleString('en-GB')
}
