-- Admit Once: everything that the database needs, in one transaction; jobs of pg_cron, where it is, in another.
--
-- This file is the table of contents. `psql -f sql/install.sql` installs by it, `admit-once migrate` follows it, and
-- `admit-once sql` prints what it names as one file, for an SQL editor. It installs on an empty PostgreSQL 15 or newer, brings
-- an older installation up to date, and changes nothing where everything is in place.
--
-- Two schemas. `public` holds what clients know by name: the tables, under row level security, and for each verb that clients
-- may call a door that only passes on. `ticketing`, the vault, is not exposed: the verbs themselves, what they share, the
-- triggers, the laws, the books.
--
-- The story of a sale, by file: a buyer asks for tickets (verbs/reserve_tickets_batch, verbs/checkout). One function decides,
-- under the tier's lock (rules/hold_tiers, which asks rules/judge_tier). The row that it writes is judged again by a trigger
-- that shares no code with it (triggers/check_hold_capacity), is counted by another (triggers/sync_reserved_quantity), and a
-- CHECK of the tier refuses what both let through. Payment arrives as an event (verbs/receive_webhook), is kept or goes back
-- (rules/take_payment), and a kept one becomes tickets (verbs/issue_order_tickets). A gate lets each in once
-- (rules/admit_ticket). Afterwards nobody is believed: the laws count rows and trust no counter.
--
-- A verb reads: cheap checks, key, locks, checks under the lock, writes, answer. Its header says what it answers, in order of
-- precedence, what it locks and what it writes. Locks are taken in one order (docs/changing/locks.md has the two exceptions): idempotency key, order, tiers by
-- ascending id (advisory, then row), tickets by id, offer, slot.
--
-- Tables are moved once, by migrations. Functions, triggers, views, policies and rights are made anew each time; a function of
-- the vault that no file here makes any more is dropped.

\set ON_ERROR_STOP on
begin;

-- Before anything else: one installer at a time, a server that is new enough, nobody else's tables
\ir prepare.sql
\ir platform/supabase.sql
\ir platform/auth.sql
\ir platform/realtime.sql

-- Tables, constraints, indexes: each of these runs once
\ir migrations.sql
\ir migrations/0001_box_office.sql
\ir migrations/0002_offers_and_slots.sql
\ir migrations/0003_protections.sql
\ir migrations/0004_money.sql
\ir migrations/0005_door.sql
\ir migrations/0006_gate_lists.sql
\ir migrations/0007_table.sql
\ir migrations/0008_scan_ids.sql
\ir migrations/0009_table_requests.sql
\ir migrations/0010_owed_back.sql
\ir migrations/0011_effect.sql
\ir migrations/0012_amounts_and_terms.sql
\ir migrations/0012_cancellations.sql
\ir migrations/0013_buyers.sql
\ir migrations/0014_gates.sql
\ir migrations/0016_cells.sql
\ir migrations/0017_whose.sql
\ir migrations/0020_cancellation_passes.sql
\ir migrations/0021_undoings.sql
\ir migrations/0022_vip_reservations.sql
\ir migrations/0023_organisers.sql
\ir migrations/0024_one_way_to_an_event.sql
\ir migrations/0025_operations.sql
\ir migrations/0026_expired_holds.sql
\ir migrations/0027_reads.sql
\ir migrations/0028_forgetting.sql
\ir migrations/0029_row_security_estimates.sql

-- Parts: small helpers
-- ids and times
\ir parts/write_uuid_v7.sql
\ir parts/session_id.sql
\ir parts/cell_of.sql
\ir parts/is_uuid.sql
\ir parts/first_instant.sql
\ir parts/is_open.sql
\ir parts/outside.sql
-- locks
\ir parts/await_standby.sql
\ir parts/lock_key.sql
\ir parts/lock_order.sql
\ir parts/lock_tiers.sql
\ir parts/lock_scanned.sql
-- answers
\ir parts/refused.sql
\ir parts/refusal_message.sql
-- what a request names
\ir parts/read_cart.sql
\ir parts/read_orders.sql
\ir parts/is_email.sql
\ir parts/find_event.sql
-- what the protections rest on
\ir parts/schema_parts.sql
-- money, and the provider's objects
\ir parts/is_chargeable.sql
\ir parts/ticket_fee.sql
\ir parts/id_of.sql
\ir parts/amount_of.sql
\ir parts/find_payment.sql
\ir parts/call_time.sql

-- Rules: decisions and facts that verbs share
-- who is calling, and whose is it?
\ir rules/caller.sql
\ir rules/is_staff.sql
\ir rules/my_businesses.sql
\ir rules/managed_businesses.sql
\ir rules/manager_refusal.sql
\ir rules/user_view.sql
\ir rules/channel_rights.sql
\ir rules/visible_rows.sql
-- was this asked before?
\ir rules/judge_key.sql
-- may this be held?
\ir rules/event_view.sql
\ir rules/hold_tiers.sql
\ir rules/judge_tier.sql
\ir rules/person_quantity.sql
\ir rules/expire_due_holds.sql
\ir rules/reserve_one.sql
\ir rules/reserve_cart.sql
\ir rules/batched_callers.sql
\ir rules/read_requests.sql
\ir rules/hold_in_turn.sql
\ir rules/hold_each.sql
\ir rules/lock_session.sql
\ir rules/buy.sql
\ir rules/buy_in_turn.sql
\ir rules/hold_cart.sql
-- what is an order, and when does it end?
\ir rules/place_order.sql
\ir rules/prepare_session.sql
\ir rules/expire_order.sql
\ir rules/lock_room.sql
\ir rules/is_over.sql
\ir rules/issued_tickets.sql
\ir rules/order_state.sql
-- what does the provider say of a payment?
\ir rules/apply_session.sql
\ir rules/take_payment.sql
\ir rules/fail_payment.sql
\ir rules/settle_dispute.sql
-- what is owed back, and what became of it?
\ir rules/money_of.sql
\ir rules/settle_order.sql
\ir rules/apply_refund.sql
\ir rules/succeed_refund.sql
\ir rules/fail_refund.sql
\ir rules/void_returned.sql
\ir rules/count_first_opening.sql
\ir rules/give_back_tickets.sql
\ir rules/lock_order_tickets.sql
\ir rules/give_up_order.sql
\ir rules/cancel_orders.sql
-- the books
\ir rules/book.sql
-- who gets in?
\ir rules/admit_ticket.sql
\ir rules/admit_offline.sql
\ir rules/log_scan.sql
\ir rules/admit_party.sql
\ir rules/redeem_claim.sql
\ir rules/check_in_booking.sql
\ir rules/scan_refusal.sql
\ir rules/is_same_scan.sql
\ir rules/is_claimed.sql
\ir rules/slot_evening.sql
-- what does an operator watch?
\ir rules/sale_figures.sql
\ir rules/money_figures.sql
\ir rules/server_figures.sql
\ir rules/scheduled_jobs.sql

-- Triggers, refusing: what breaks a promise, whoever writes it
\ir triggers/demand_capacity.sql
\ir triggers/check_hold_capacity.sql
\ir triggers/check_ticket_capacity.sql
\ir triggers/check_offer_spots.sql
\ir triggers/check_offer_size.sql
\ir triggers/check_slot_capacity.sql
\ir triggers/check_slot_size.sql
\ir triggers/check_slot_times.sql
\ir triggers/check_time_zone.sql
\ir triggers/refuse_business_change.sql
\ir triggers/refuse_event_cancellation.sql
\ir triggers/demand_owner.sql
\ir triggers/refuse_move.sql
\ir triggers/refuse_value.sql
\ir triggers/refuse_deletion.sql
\ir triggers/check_tier_price.sql
\ir triggers/check_tier_size.sql
\ir triggers/check_ledger_statement.sql
\ir triggers/check_ledger_balance.sql
\ir triggers/refuse_hold_change.sql

-- Triggers, counting: the only writers of counters
\ir triggers/sync_reserved_quantity.sql
\ir triggers/sync_sold_quantity.sql
\ir triggers/sync_claimed_people.sql
\ir triggers/sync_booked_people.sql
\ir triggers/sync_slot_days.sql

-- Triggers, guarding: what would go past the other two
\ir triggers/refuse_counter_write.sql
\ir triggers/refuse_truncate.sql
\ir triggers/refuse_claim_change.sql
\ir triggers/refuse_reservation_change.sql
\ir triggers/refuse_code_change.sql
\ir triggers/refuse_undo_change.sql
\ir triggers/refuse_ledger_change.sql
\ir triggers/add_owner.sql
\ir triggers/write_slug.sql
\ir triggers/copy_currency.sql
\ir triggers/copy_claim_rule.sql
\ir triggers/note_ticket_change.sql
\ir triggers/note_ticket_deletion.sql
\ir triggers/write_cell.sql

-- Verbs: what callers may ask for
-- holding tickets
\ir verbs/reserve_tickets_atomically.sql
\ir verbs/reserve_tickets_batch.sql
\ir verbs/reserve_many.sql
\ir verbs/extend_ticket_holds.sql
\ir verbs/release_ticket_holds.sql
\ir verbs/release_tickets.sql
\ir verbs/expire_ticket_holds.sql
-- ordering and paying
\ir verbs/local_time.sql
\ir verbs/events_on_sale.sql
\ir verbs/event_page.sql
\ir verbs/checkout.sql
\ir verbs/checkout_many.sql
\ir verbs/checkout_session_status.sql
\ir verbs/order_page.sql
\ir verbs/waiting_orders.sql
\ir verbs/fits_without.sql
\ir verbs/cancel_order.sql
\ir verbs/claim_order_ticketing.sql
\ir verbs/issue_order_tickets.sql
\ir verbs/expire_orders.sql
-- the payment provider
\ir verbs/open_session.sql
\ir verbs/refuse_session.sql
\ir verbs/due_sessions.sql
\ir verbs/receive_webhook.sql
\ir verbs/settle_session.sql
-- refunds
\ir verbs/request_refund.sql
\ir verbs/void_tickets.sql
\ir verbs/disputed_orders.sql
\ir verbs/cancel_event.sql
\ir verbs/continue_cancellations.sql
\ir verbs/due_refunds.sql
\ir verbs/settle_refund.sql
\ir verbs/refuse_refund.sql
\ir verbs/due_payments.sql
-- who is it?
\ir verbs/has_own_users.sql
\ir verbs/sign_up.sql
\ir verbs/find_password.sql
\ir verbs/begin_sign_in.sql
\ir verbs/refresh_sign_in.sql
\ir verbs/end_sign_ins.sql
\ir verbs/signed_in_user.sql
\ir verbs/change_user.sql
\ir verbs/write_code.sql
\ir verbs/take_code.sql
\ir verbs/find_users.sql
\ir verbs/delete_user.sql
\ir verbs/forget_leftovers.sql
-- the gate
\ir verbs/atomic_ticket_checkin.sql
\ir verbs/scan_ticket_atomic.sql
\ir verbs/validate_qr.sql
\ir verbs/gate_list.sql
\ir verbs/sync_offline_scan.sql
\ir verbs/sync_offline_scans.sql
\ir verbs/double_admissions.sql
\ir verbs/undo_scan.sql
\ir verbs/register_code_key.sql
\ir verbs/list_code_keys.sql
\ir verbs/revoke_code_key.sql
-- offers and slots
\ir verbs/claim_offer_spots_atomically.sql
\ir verbs/cancel_claim.sql
\ir verbs/release_offer_spots.sql
\ir verbs/book_slot_atomically.sql
\ir verbs/cancel_reservation.sql
-- is all well?
\ir verbs/verify_protections.sql
\ir verbs/broken_laws.sql
\ir verbs/operating_figures.sql

-- The doors: the verbs that `public` shows
\ir public.sql

-- Laws: any row is a broken promise
\ir laws/never_oversold.sql
\ir laws/never_undersold.sql
\ir laws/holds_hold.sql
\ir laws/paid_once_issued_once.sql
\ir laws/admitted_once.sql
\ir laws/party_admitted_once.sql
\ir laws/offers_and_slots_fit.sql
\ir laws/same_request_same_answer.sql
\ir laws/books_balance.sql
\ir laws/only_yours.sql

-- Last: what is left of an older installation goes; who may do what; what verify_protections() is to find
\ir leftovers.sql
\ir grants.sql
\ir publish.sql
\ir protections.sql
\ir finish.sql

commit;

-- Afterwards: what pg_cron does
\ir schedule.sql
