import { LIMITS, type Limits } from '../../src/api/admission.ts'

/** As many places in these lanes, in all others as ever. */
export function placesOf(places: Partial<Limits['places']>): Pick<Limits, 'places'> {
  return { places: { ...LIMITS.places, ...places } }
}
