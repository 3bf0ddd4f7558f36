// Written by `npm run generate` from the OpenAPI document; a test compares the two.

/** What functions take, and what they answer where they do not refuse. */
export interface FunctionTypes {
  readonly 'create-ticket-checkout': {
    readonly body: {
      readonly eventId: string
      readonly items: readonly { readonly tierId: string; readonly quantity: number }[]
      readonly customerName: string
      readonly customerEmail: string
      readonly sessionId?: string | null | undefined
      readonly session_id?: string | null | undefined
      readonly expectedTotalCents?: number | null | undefined
      readonly expected_total_cents?: number | null | undefined
      readonly expectedCurrency?: string | null | undefined
      readonly expected_currency?: string | null | undefined
    }
    readonly answer: {
      readonly success: true
      readonly orderId: string
      readonly url: string
      readonly isFree: boolean
      readonly tickets?: readonly {
        readonly id: string
        readonly tier_id: string
        readonly code: string
        readonly qr: string
      }[]
    }
  }
  readonly 'enhanced-checkout': {
    readonly body: {
      readonly eventId: string
      readonly ticketSelections: readonly { readonly tierId: string; readonly quantity: number }[]
      readonly contact?:
        | { readonly name?: string | null | undefined; readonly email?: string | null | undefined }
        | null
        | undefined
      readonly sessionId?: string | null | undefined
      readonly session_id?: string | null | undefined
      readonly expectedTotalCents?: number | null | undefined
      readonly expected_total_cents?: number | null | undefined
      readonly expectedCurrency?: string | null | undefined
      readonly expected_currency?: string | null | undefined
    }
    readonly answer: {
      readonly success: true
      readonly session_url: string
      readonly url: string
      readonly checkout_session_id: string
      readonly order_id: string
      readonly hold_ids: readonly string[]
      readonly expires_at: string | null
      readonly pricing: {
        readonly subtotal_cents: number
        readonly fees_cents: number
        readonly total_cents: number
        readonly currency: string
      }
      readonly tickets?: readonly {
        readonly id: string
        readonly tier_id: string
        readonly code: string
        readonly qr: string
      }[]
    }
  }
  readonly 'create-checkout-session': {
    readonly body: {
      readonly eventId: string
      readonly tickets: readonly { readonly ticketTypeId: string; readonly quantity: number }[]
      readonly customerEmail: string
      readonly customerName: string
      readonly successUrl?: string | null | undefined
      readonly cancelUrl?: string | null | undefined
      readonly sessionId?: string | null | undefined
      readonly session_id?: string | null | undefined
      readonly expectedTotalCents?: number | null | undefined
      readonly expected_total_cents?: number | null | undefined
      readonly expectedCurrency?: string | null | undefined
      readonly expected_currency?: string | null | undefined
    }
    readonly answer: { readonly sessionId: string; readonly url: string; readonly orderId: string }
  }
  readonly 'guest-checkout': {
    readonly body: {
      readonly event_id: string
      readonly contact_email: string
      readonly items: readonly { readonly tier_id: string; readonly quantity: number }[]
      readonly sessionId?: string | null | undefined
      readonly session_id?: string | null | undefined
      readonly expectedTotalCents?: number | null | undefined
      readonly expected_total_cents?: number | null | undefined
      readonly expectedCurrency?: string | null | undefined
      readonly expected_currency?: string | null | undefined
    }
    readonly answer: {
      readonly success: true
      readonly session_url: string
      readonly url: string
      readonly checkout_session_id: string
      readonly order_id: string
      readonly hold_ids: readonly string[]
      readonly expires_at: string | null
      readonly pricing: {
        readonly subtotal_cents: number
        readonly fees_cents: number
        readonly total_cents: number
        readonly currency: string
      }
      readonly tickets?: readonly {
        readonly id: string
        readonly tier_id: string
        readonly code: string
        readonly qr: string
      }[]
    }
  }
  readonly 'checkout-session-status': {
    readonly body: { readonly sessionId: string }
    readonly answer: {
      readonly status: 'pending' | 'complete' | 'expired'
      readonly orderId: string
      readonly orderUrl: string
      readonly expiresAt: string | null
      readonly pricing: {
        readonly subtotalCents: number
        readonly feesCents: number
        readonly totalCents: number
        readonly currency: string
      }
      readonly canExtendHold: boolean
      readonly extended: boolean
    }
  }
  readonly 'cancel-order': {
    readonly body: { readonly orderId: string; readonly secret?: string | null | undefined }
    readonly answer: { readonly success: true; readonly status: 'expired'; readonly orderId: string }
  }
  readonly 'process-refund': {
    readonly body: {
      readonly orderId: string
      readonly ticketIds?: readonly string[] | undefined
      readonly reason?: string | null | undefined
      readonly force?: boolean | null | undefined
    }
    readonly answer: {
      readonly success: true
      readonly refundId: string
      readonly orderId: string
      readonly status: 'succeeded' | 'pending'
      readonly amountCents: number
      readonly currency: string
      readonly ticketIds: readonly string[]
    }
  }
  readonly 'void-tickets': {
    readonly body: {
      readonly orderId: string
      readonly ticketIds?: readonly string[] | undefined
      readonly reason: string
      readonly freePlaces?: boolean | null | undefined
    }
    readonly answer: {
      readonly success: true
      readonly orderId: string
      readonly orderStatus: string
      readonly ticketIds: readonly string[]
      readonly placesFree: boolean
    }
  }
  readonly 'cancel-event': {
    readonly body: {
      readonly eventId: string
      readonly reason?: string | undefined
      readonly force?: boolean | undefined
    }
    readonly answer: {
      readonly success: true
      readonly eventId: string
      readonly done: boolean
      readonly orders: number
      readonly left: number
      readonly pending: number
      readonly returning: number
      readonly returned: number
      readonly failed: number
    }
  }
  readonly 'ticket-expiry-daemon': {
    readonly body: Readonly<Record<string, never>>
    readonly answer: {
      readonly success: true
      readonly expired_holds: number
      readonly expired_orders: number
    }
  }
  readonly 'claim-offer': {
    readonly body:
      | { readonly discountId: string; readonly partySize: number }
      | { readonly p_discount_id: string; readonly p_party_size: number }
    readonly answer: {
      readonly success: true
      readonly claimId: string
      readonly remaining: number
      readonly status: 'claimed' | 'released' | 'redeemed'
      readonly code: string
      readonly qr: string
    }
  }
  readonly 'book-slot': {
    readonly body: {
      readonly businessId: string
      readonly date: string
      readonly time: string
      readonly partySize: number
      readonly name: string
      readonly phone?: string | null | undefined
      readonly seatingPreference?: string | null | undefined
      readonly specialRequests?: string | null | undefined
    }
    readonly answer: {
      readonly success: true
      readonly reservationId: string
      readonly confirmationCode: string
      readonly startsAt: string
      readonly status: 'confirmed' | 'checked_in' | 'cancelled'
      readonly code: string
      readonly qr: string
    }
  }
  readonly 'validate-qr': {
    readonly body: {
      readonly qrData: string
      readonly businessId: string
      readonly language?: string | null | undefined
      readonly eventId?: string | null | undefined
      readonly deviceId?: string | null | undefined
      readonly scanId?: string | null | undefined
    }
    readonly answer: {
      readonly success: boolean
      readonly outcome:
        | 'UNREADABLE'
        | 'UNKNOWN'
        | 'WRONG_EVENT'
        | 'ADMITTED'
        | 'UNDONE'
        | 'ALREADY_USED'
        | 'REFUNDED'
        | 'REFUNDING'
        | 'CANCELLED'
        | 'EVENT_CANCELLED'
        | 'TOO_EARLY'
        | 'TOO_LATE'
      readonly message: string
      readonly qrType: 'ticket' | 'claim' | 'booking' | 'unknown'
      readonly alreadyUsed?: boolean
      readonly details: {
        readonly id?: string
        readonly tierName?: string
        readonly tierPrice?: number
        readonly tierPriceCents?: number
        readonly currency?: string
        readonly customerName?: string
        readonly customerEmail?: string
        readonly eventId?: string
        readonly eventTitle?: string
        readonly eventStartAt?: string
        readonly offerTitle?: string
        readonly partySize?: number
        readonly date?: string
        readonly preferredTime?: string
        readonly seatingPreference?: string
        readonly specialRequests?: string
        readonly checkedInAt?: string
        readonly checkedInDevice?: string
      }
      readonly disbelieved?: readonly ('deviceId' | 'scanId' | 'language')[]
    }
  }
  readonly 'undo-scan': {
    readonly body: {
      readonly ticketId?: string | undefined
      readonly claimId?: string | undefined
      readonly bookingId?: string | undefined
      readonly scanId?: string | undefined
      readonly deviceId?: string | undefined
      readonly scannedAt?: string | undefined
      readonly reason: string
    }
    readonly answer: {
      readonly success: true
      readonly qrType: 'ticket' | 'claim' | 'booking'
      readonly id: string
      readonly status: string
      readonly undone: {
        readonly scannedAt: string
        readonly scannedBy: string | null
        readonly deviceId: string | null
      }
      readonly counted: {
        readonly scannedAt: string
        readonly scannedBy: string | null
        readonly deviceId: string | null
      } | null
      readonly replayed: boolean
    }
  }
  readonly 'ticket-keys': {
    readonly body: Readonly<Record<string, never>>
    readonly answer: {
      readonly keys: readonly {
        readonly kid: number
        readonly kty: 'OKP'
        readonly crv: 'Ed25519'
        readonly x: string
        readonly revoked: boolean
      }[]
    }
  }
  readonly 'gate-list': {
    readonly body: { readonly event: string; readonly since?: string | undefined }
    readonly answer: {
      readonly event: {
        readonly id: string
        readonly title: string
        readonly status: string
        readonly entryFrom: string
        readonly entryUntil: string
      }
      readonly since: string | null
      readonly cursor: string
      readonly full: boolean
      readonly keys: readonly {
        readonly kid: number
        readonly kty: 'OKP'
        readonly crv: 'Ed25519'
        readonly x: string
        readonly revoked: boolean
      }[]
      readonly tickets: { readonly valid: string; readonly used: string; readonly gone: string }
      readonly signedAt: string
      readonly kid: number
      readonly signature: string
    }
  }
  readonly 'sync-offline-scans': {
    readonly body: {
      readonly businessId: string
      readonly eventId?: string | null | undefined
      readonly scans: readonly {
        readonly code?: string | null | undefined
        readonly ticketId?: string | null | undefined
        readonly scannedAt?: string | null | undefined
        readonly deviceId?: string | null | undefined
        readonly scannedBy?: string | null | undefined
        readonly eventId?: string | null | undefined
        readonly scanId?: string | null | undefined
      }[]
    }
    readonly answer: {
      readonly success: true
      readonly results: readonly {
        readonly ticketId: string | null
        readonly success: boolean
        readonly conflictResolved: boolean
        readonly alreadyScanned: boolean
        readonly scannedAt: string | null
        readonly scannedBy: string | null
        readonly clockSuspect: boolean
        readonly disbelieved: readonly string[]
        readonly error: string | null
        readonly message: string | null
        readonly event?: { readonly id: string; readonly title: string; readonly startAt: string }
      }[]
    }
  }
  readonly 'health-check': {
    readonly body: Readonly<Record<string, never>>
    readonly answer: {
      readonly success: true
      readonly status: 'ok'
      readonly database: {
        readonly version: string | null
        readonly latency_ms: number
        readonly standbys?: number
        readonly commits_wait_for_standby?: boolean
      }
      readonly protections: { readonly active: number; readonly total: number }
      readonly payments: { readonly mode: 'live' | 'test' | 'stand-in' | 'none' }
      readonly warnings?: readonly string[]
    }
  }
}
