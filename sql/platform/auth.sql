-- The users of a plain PostgreSQL, under the names that Supabase Auth gives them; made only where nobody made auth.users, so on a
-- Supabase project this does nothing. No role of the API may read them: verbs of the vault do.

do $platform$
begin
  if to_regclass('auth.users') is not null then
    return;
  end if;

  create table auth.users (
    id uuid primary key default gen_random_uuid(),
    aud text not null default 'authenticated',
    role text not null default 'authenticated',
    email text not null check (length(email) between 3 and 320),
    encrypted_password text,
    email_confirmed_at timestamptz,
    confirmation_sent_at timestamptz,
    recovery_sent_at timestamptz,
    last_sign_in_at timestamptz,
    raw_app_meta_data jsonb not null default '{"provider": "email", "providers": ["email"]}',
    raw_user_meta_data jsonb not null default '{}',
    banned_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
  );
  comment on table auth.users is 'Admit Once';
  create unique index users_email_key on auth.users (lower(email));

  create table auth.sessions (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    method text not null,
    user_agent text,
    created_at timestamptz not null default now(),
    refreshed_at timestamptz
  );
  create index sessions_user_id_idx on auth.sessions (user_id);

  -- Digests: who reads this table can sign in as nobody.
  create table auth.refresh_tokens (
    digest bytea primary key,
    session_id uuid not null references auth.sessions (id) on delete cascade,
    parent bytea,
    revoked_at timestamptz,
    created_at timestamptz not null default now()
  );
  create index refresh_tokens_session_id_idx on auth.refresh_tokens (session_id);

  create table auth.one_time_tokens (
    user_id uuid not null references auth.users (id) on delete cascade,
    token_type text not null check (token_type in ('signup', 'email', 'recovery', 'email_change')),
    digest bytea not null,
    relates_to text not null,
    attempts integer not null default 0,
    expires_at timestamptz not null,
    created_at timestamptz not null default now(),
    primary key (user_id, token_type)
  );

  alter table auth.users enable row level security;
  alter table auth.sessions enable row level security;
  alter table auth.refresh_tokens enable row level security;
  alter table auth.one_time_tokens enable row level security;
  revoke all on auth.users, auth.sessions, auth.refresh_tokens, auth.one_time_tokens from public, anon, authenticated, service_role;
end
$platform$;
