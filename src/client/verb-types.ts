// Written by `npm run generate` from the OpenAPI document; a test compares the two.

/** What verbs take, and what they answer where they do not refuse. */
export interface VerbTypes {
  readonly reserve_tickets_atomically: {
    readonly args: { readonly p_tier_id: string; readonly p_quantity: number }
    readonly answer: {
      readonly hold_id: string
      readonly session_id: string
      readonly expires_at: string
      readonly remaining: number
      readonly success: true
    }
  }
  readonly reserve_tickets_batch: {
    readonly args: {
      readonly p_reservations: readonly { readonly tier_id: string; readonly quantity: number }[]
      readonly p_session_id?: string | null | undefined
      readonly p_user_id?: string | null | undefined
      readonly p_expires_minutes?: number | null | undefined
    }
    readonly answer: {
      readonly session_id: string
      readonly user_id: string | null
      readonly expires_at: string
      readonly total_items: number
      readonly hold_ids: readonly string[]
      readonly reservations: readonly {
        readonly tier_id: string
        readonly hold_id: string
        readonly quantity: number
        readonly held: number
        readonly remaining: number
        readonly expires_at: string
      }[]
      readonly success: true
    }
  }
  readonly release_tickets: {
    readonly args: { readonly p_tier_id: string; readonly p_quantity: number }
    readonly answer: null
  }
  readonly extend_ticket_holds: {
    readonly args: { readonly p_session_id: string; readonly p_extend_minutes: number }
    readonly answer: { readonly expires_at: string; readonly success: true }
  }
  readonly release_ticket_holds: {
    readonly args: { readonly p_session_id: string }
    readonly answer: { readonly released: number; readonly success: true }
  }
  readonly claim_offer_spots_atomically: {
    readonly args: { readonly p_discount_id: string; readonly p_party_size: number }
    readonly answer: {
      readonly claim_id: string
      readonly qr_token: string
      readonly remaining: number
      readonly status: 'claimed' | 'released' | 'redeemed'
      readonly replayed: boolean
      readonly success: true
    }
  }
  readonly book_slot_atomically: {
    readonly args: {
      readonly p_business_id: string
      readonly p_date: string
      readonly p_slot_time: string
      readonly p_party_size: number
      readonly p_reservation_name: string
      readonly p_phone_number?: string | null | undefined
      readonly p_seating_preference?: string | null | undefined
      readonly p_special_requests?: string | null | undefined
      readonly p_is_offer_based?: boolean | null | undefined
    }
    readonly answer: {
      readonly reservation_id: string
      readonly confirmation_code: string
      readonly preferred_time: string
      readonly slot_time_from: string
      readonly starts_at: string
      readonly max_party_size: number
      readonly qr_token: string
      readonly status: 'confirmed' | 'checked_in' | 'cancelled'
      readonly replayed: boolean
      readonly success: true
    }
  }
  readonly cancel_reservation: {
    readonly args: { readonly p_reservation_id: string }
    readonly answer: {
      readonly reservation_id: string
      readonly already_cancelled: boolean
      readonly success: true
    }
  }
  readonly cancel_claim: {
    readonly args: { readonly p_claim_id: string }
    readonly answer: {
      readonly claim_id: string
      readonly already_cancelled: boolean
      readonly success: true
    }
  }
  readonly local_time: {
    readonly args: { readonly p_business_id: string; readonly p_local: string }
    readonly answer: string
  }
  readonly release_offer_spots: {
    readonly args: { readonly p_discount_id: string; readonly p_party_size: number }
    readonly answer: null
  }
  readonly atomic_ticket_checkin: {
    readonly args: {
      readonly p_ticket_id: string
      readonly p_staff_user_id: string
      readonly p_event_id?: string | null | undefined
    }
    readonly answer: { readonly checked_in_at: string; readonly success: true }
  }
  readonly scan_ticket_atomic: {
    readonly args: {
      readonly p_ticket_id: string
      readonly p_scanned_by: string
      readonly p_device_id?: string | null | undefined
      readonly p_scan_method?: string | null | undefined
      readonly p_event_id?: string | null | undefined
    }
    readonly answer: readonly {
      readonly success: boolean
      readonly already_scanned: boolean
      readonly scanned_at: string | null
      readonly scanned_by: string | null
      readonly error_message: string | null
    }[]
  }
  readonly sync_offline_scan: {
    readonly args: {
      readonly p_ticket_id: string
      readonly p_scanned_by: string
      readonly p_scanned_at: string
      readonly p_device_id?: string | null | undefined
      readonly p_event_id?: string | null | undefined
    }
    readonly answer: readonly {
      readonly success: boolean
      readonly already_scanned: boolean
      readonly scanned_at: string | null
      readonly scanned_by: string | null
      readonly error_message: string | null
      readonly conflict_resolved: boolean
    }[]
  }
  readonly double_admissions: {
    readonly args: { readonly p_event_id: string }
    readonly answer: readonly {
      readonly ticket_id: string
      readonly status: string
      readonly counted: {
        readonly id: string
        readonly scan_id: string | null
        readonly scanned_at: string
        readonly claimed_at: string | null
        readonly recorded_at: string
        readonly scanned_by: string | null
        readonly synced_by: string | null
        readonly device_id: string | null
        readonly offline: boolean
        readonly clock_suspect: boolean
        readonly disbelieved: Readonly<Record<string, unknown>> | null
        readonly gate_event_id: string | null
        readonly error_code: string | null
      } | null
      readonly other: {
        readonly id: string
        readonly scan_id: string | null
        readonly scanned_at: string
        readonly claimed_at: string | null
        readonly recorded_at: string
        readonly scanned_by: string | null
        readonly synced_by: string | null
        readonly device_id: string | null
        readonly offline: boolean
        readonly clock_suspect: boolean
        readonly disbelieved: Readonly<Record<string, unknown>> | null
        readonly gate_event_id: string | null
        readonly error_code: string | null
        readonly undone_at?: string
        readonly undone_by?: string
        readonly reason?: string
      }
    }[]
  }
  readonly expire_ticket_holds: {
    readonly args: { readonly p_limit?: number | null | undefined }
    readonly answer: number
  }
  readonly disputed_orders: {
    readonly args: { readonly p_event_id: string }
    readonly answer: readonly {
      readonly order_id: string
      readonly dispute: 'open' | 'lost'
      readonly amount_cents: number
      readonly currency: string
      readonly created_at: string
      readonly closed_at: string | null
      readonly tickets: readonly { readonly id: string; readonly status: string }[]
    }[]
  }
  readonly claim_order_ticketing: {
    readonly args: { readonly p_order_id: string }
    readonly answer: boolean
  }
  readonly issue_order_tickets: {
    readonly args: { readonly p_order_id: string }
    readonly answer: {
      readonly already_issued: boolean
      readonly tickets: readonly { readonly id: string; readonly tier_id: string; readonly qr_code: string }[]
      readonly success: true
    }
  }
  readonly verify_protections: {
    readonly args: Readonly<Record<string, never>>
    readonly answer: readonly {
      readonly guarantee: string
      readonly protection: string
      readonly kind: string
      readonly object: string
      readonly active: boolean
      readonly detail: string
    }[]
  }
}
