/** What the keys type without shift and with it, row by row, each at the place that it has on a US keyboard. */
const LAYOUTS = {
  us: [`1234567890-=qwertyuiop[]asdfghjkl;'zxcvbnm,./`, `!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:"ZXCVBNM<>?`],
  german: ['1234567890ß´qwertzuiopü+asdfghjklöäyxcvbnm,.-', '!"§$%&/()=?`QWERTZUIOPÜ*ASDFGHJKLÖÄYXCVBNM;:_'],
  french: [`&é"'(-è_çà)=azertyuiop^$qsdfghjklmùwxcvbn,;:!`, '1234567890°+AZERTYUIOP¨£QSDFGHJKLM%WXCVBN?./§'],
  belgian: [`&é"'(§è!çà)-azertyuiop^$qsdfghjklmùwxcvbn,;:=`, '1234567890°_AZERTYUIOP¨*QSDFGHJKLM%WXCVBN?./+'],
  greek: [`1234567890-=;ςερτυθιοπ[]ασδφγηξκλ΄'ζχψωβνμ,./`, `!@#$%^&*()_+:΅ΕΡΤΥΘΙΟΠ{}ΑΣΔΦΓΗΞΚΛ¨"ΖΧΨΩΒΝΜ<>?`],
} as const

type Layout = keyof typeof LAYOUTS

/** What scanners are set to, and the machines that they are plugged into: the factory's US, or the country's own. */
const PAIRS = [
  ['us', 'german'],
  ['us', 'french'],
  ['us', 'us'],
  ['us', 'greek'],
  ['us', 'belgian'],
  ['german', 'us'],
  ['french', 'us'],
  ['belgian', 'us'],
  ['german', 'german'],
  ['french', 'french'],
  ['belgian', 'belgian'],
  ['german', 'french'],
  ['french', 'german'],
] as const satisfies readonly (readonly [scanner: Layout, machine: Layout])[]

/** Caps lock turns letters only, or, as German and French Windows have it, every key as shift does. */
const CAPS = ['off', 'letters', 'every key'] as const

/**
 * Keyboard wedge: a USB scanner types what it reads as places of keys, and the machine makes characters of them by its own layout
 * and caps lock. Where scanner and machine do not agree on the layout, `A1…` becomes `Q&…`. Each entry undoes one such pair:
 * what stands on the screen → what the scanner meant. The likeliest come first.
 */
export const MISTYPINGS: readonly ReadonlyMap<string, string>[] = mistypings()

function mistypings(): ReadonlyMap<string, string>[] {
  return CAPS.flatMap((caps) =>
    PAIRS.filter(([scanner, machine]) => caps !== 'off' || scanner !== machine).map(([scanner, machine]) =>
      mistyping(scanner, machine, caps),
    ),
  )
}

function mistyping(scanner: Layout, machine: Layout, caps: (typeof CAPS)[number]): Map<string, string> {
  const meantBy = new Map<string, string>()
  for (const shift of [0, 1] as const) {
    for (const [place, meant] of [...LAYOUTS[scanner][shift]].entries()) {
      const pressed = caps === 'every key' ? ((1 - shift) as 0 | 1) : shift
      const typed = LAYOUTS[machine][pressed][place] ?? ''
      const seen = caps === 'letters' ? turned(typed) : typed
      if (!meantBy.has(seen)) meantBy.set(seen, meant)
    }
  }
  return meantBy
}

/** The letter's other case, as caps lock turns it. */
function turned(letter: string): string {
  const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
  // ß has no capital on most keyboards.
  return other.length === letter.length ? other : letter
}
