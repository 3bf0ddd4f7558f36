-- Forgetting: sign-ins that nobody prolongs and tokens that were used are found without a look at all of them; of our own users alone.

do $migration$ begin
if not ticketing.begin_migration('0028_forgetting') then return; end if;

if obj_description(to_regclass('auth.users'), 'pg_class') = 'Admit Once' then
  create index refresh_tokens_revoked_at_idx on auth.refresh_tokens (revoked_at) where revoked_at is not null;
  create index sessions_last_used_idx on auth.sessions ((coalesce(refreshed_at, created_at)));
end if;

end $migration$;
