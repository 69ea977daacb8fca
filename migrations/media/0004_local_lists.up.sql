-- Lists that users keep here and not at TMDB, and how they are moved there.

-- What a list may be called at TMDB, and which numbers are movies, is asked when it is to be moved: here stands what
-- was brought.
create table media.local_lists (
  id          uuid        not null default gen_random_uuid(),
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  moved_at    timestamptz,
  moved_ref   uuid,
  user_id     integer     not null,
  public      boolean     not null default true,
  name        text        not null,
  description text        not null default '',
  language    text collate "C" not null default 'en',
  constraint local_lists_pkey primary key (id),
  constraint local_lists_user_check check (user_id > 0),
  constraint local_lists_moved_check check ((moved_at is null) = (moved_ref is null))
);
create index local_lists_user on media.local_lists (user_id, created_at, id);
comment on table media.local_lists is 'Lists that users keep here and not at TMDB.';
comment on column media.local_lists.user_id is 'Whose it is: the id at TMDB.';
comment on column media.local_lists.moved_at is 'Since when it stands at TMDB, checked; null: it does not, or not any more.';
comment on column media.local_lists.moved_ref is 'Its list_ref there.';

create table media.local_list_items (
  list_id  uuid        not null references media.local_lists (id) on delete cascade,
  added_at timestamptz not null default now(),
  position integer     not null,
  movie_id integer     not null,
  constraint local_list_items_pkey primary key (list_id, position),
  constraint local_list_items_position_check check (position > 0)
);
comment on table media.local_list_items is 'The movies of local_lists.';

create table media.list_migrations (
  id           uuid        not null default gen_random_uuid(),
  created_at   timestamptz not null default now(),
  updated_at   timestamptz not null default now(),
  stepped_at   timestamptz not null default now(),
  consented_at timestamptz not null default now(),
  started_at   timestamptz,
  finished_at  timestamptz,
  tmdb_user_id integer     not null,
  waiting      integer     not null default 0,
  state        text collate "C" not null,
  consented_by text        not null,
  error        text,
  constraint list_migrations_pkey primary key (id),
  constraint list_migrations_state_check check (state in
    ('consented', 'running', 'checking', 'done', 'failed', 'rolling_back', 'rolled_back'))
);
create unique index list_migrations_active on media.list_migrations (tmdb_user_id)
  where state not in ('done', 'rolled_back');
create index list_migrations_user on media.list_migrations (tmdb_user_id, created_at);
create index list_migrations_working on media.list_migrations (stepped_at)
  where state in ('running', 'checking', 'rolling_back');
comment on table media.list_migrations is
  'Moving a user''s local lists to TMDB, from the user''s consent on. One of a user at a time is under way.';
comment on column media.list_migrations.stepped_at is 'When it was last looked after: who waited longest goes first.';
comment on column media.list_migrations.consented_by is 'Who wrote the user''s consent down.';
comment on column media.list_migrations.waiting is 'Operations that were asked for and have not ended.';
comment on column media.list_migrations.error is 'Why it failed, for people.';

create table media.list_migration_lists (
  migration_id uuid        not null references media.list_migrations (id) on delete cascade,
  list_id      uuid        not null,
  list_ref     uuid        not null,
  updated_at   timestamptz not null default now(),
  checked_at   timestamptz,
  number       integer     not null,
  expected     integer     not null,
  published    integer     not null default 0,
  ended        integer     not null default 0,
  done         integer     not null default 0,
  failed       integer     not null default 0,
  checks       integer     not null default 0,
  created      boolean     not null default false,
  state        text collate "C" not null default 'waiting',
  problem      text,
  constraint list_migration_lists_pkey primary key (migration_id, list_id),
  constraint list_migration_lists_ref_key unique (list_ref),
  constraint list_migration_lists_state_check check (state in
    ('waiting', 'creating', 'filling', 'checking', 'done', 'failed', 'removing', 'removed'))
);
create index list_migration_lists_list on media.list_migration_lists (list_id);
comment on table media.list_migration_lists is 'The local lists of a migration, and how far each has come.';
comment on column media.list_migration_lists.list_id is 'The local list, which may be gone by now.';
comment on column media.list_migration_lists.list_ref is 'What the migration calls it at TMDB: its own, nobody else creates a list under it.';
comment on column media.list_migration_lists.number is 'In this order.';
comment on column media.list_migration_lists.expected is 'Different movies on it at the start.';
comment on column media.list_migration_lists.created is 'TMDB has it.';
comment on column media.list_migration_lists.published is 'The movies up to this position were asked for.';
comment on column media.list_migration_lists.ended is 'The operations of those up to this position have ended.';
comment on column media.list_migration_lists.done is 'How many of them were completed; failed: how many that were asked for failed.';
comment on column media.list_migration_lists.checks is 'How often it was read back from TMDB and compared.';
