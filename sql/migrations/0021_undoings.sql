-- Undoings: which tickets had one, and of which there had been an entry too many.

do $migration$ begin
if not ticketing.begin_migration('0021_undoings') then return; end if;

-- Made anew with other parameters.
drop function if exists ticketing.undo_scan(text, uuid, text, text);
drop function if exists ticketing.scan_to_undo(text, uuid, text);

-- When a scan of it was last undone: only then a gate's scan is looked for among those that were.
alter table public.tickets add column undone_at timestamptz;
update public.tickets t set undone_at = now()
  from public.scan_logs s where s.ticket_id = t.id and s.error_code = 'UNDONE';

-- Of an undoing: what it undid was an entry too many, or there was one beside it.
alter table public.scan_logs add column was_double boolean;
create index idx_scan_logs_gate_event_undone on public.scan_logs (gate_event_id) where error_code = 'UNDONE';

end $migration$;
