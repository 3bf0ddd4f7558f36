/** Limits on what a caller may send. SQL enforces each as well; a test asks it at the bound and one beyond. */
export const QUANTITY_MAX = 1000
export const PARTY_SIZE_MAX = 1000
/** Items of a cart, before those of one tier are summed. */
export const CART_ITEMS_MAX = 50
/** Scans that a gate hands in with one request. */
export const OFFLINE_SCANS_MAX = 500

/** Lengths in characters. */
export const PERSON_NAME_LENGTH_MAX = 200
export const PHONE_LENGTH_MAX = 50
export const SEATING_PREFERENCE_LENGTH_MAX = 200
export const SPECIAL_REQUESTS_LENGTH_MAX = 2000
/** Of the session that holds tickets. */
export const SESSION_ID_LENGTH_MAX = 200
export const IDEMPOTENCY_KEY_LENGTH_MAX = 255
/** As an idempotency key, which means the same. */
export const SCAN_ID_LENGTH_MAX = 255
export const DEVICE_ID_LENGTH_MAX = 200
export const RETURN_URL_LENGTH_MAX = 2000
export const REFUND_REASON_LENGTH_MAX = 500
/** Ids that the payment provider gives: of sessions, payments, refunds, events. */
export const PROVIDER_ID_LENGTH_MAX = 255
export const PROVIDER_EVENT_TYPE_LENGTH_MAX = 200

/** What events and tiers are called in addresses. */
export const SLUG_PATTERN = /^[a-z0-9][a-z0-9-]{0,99}$/
