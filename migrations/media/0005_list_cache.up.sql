-- Copies of lists as they are shown: what users see is computed from their unfinished operations, and a list that is
-- read often need not be computed each time. Losing a copy costs time only, so none of this is logged: after a crash,
-- and in a backup, the tables are empty.

-- Columns stand in the order of their alignment, as in the other tables.
create unlogged table media.list_cache (
  list_id           bigint      not null,
  version           bigint      not null default 0,
  filled_at         timestamptz,
  expires_at        timestamptz,
  used_at           timestamptz,
  refresh_wanted_at timestamptz,
  body              jsonb,
  constraint list_cache_pkey primary key (list_id)
)
-- A row is rewritten with every operation of its list. With room on the page, and no index on a column that changes
-- then, the new version stays on it and no index is touched (HOT).
with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
create index list_cache_used on media.list_cache (used_at) where used_at is not null;
create index list_cache_wanted on media.list_cache (refresh_wanted_at) where refresh_wanted_at is not null;
comment on table media.list_cache is
  'Copies of lists as they are shown, of those that were read lately; and which are to be read from TMDB.';
comment on column media.list_cache.list_id is
  'Of media.lists. Ids are not given twice, so what is left of a list that is no more harms nobody.';
comment on column media.list_cache.version is
  'Grows with every change of what is shown, in the transaction of the change. A copy is stored only if it has not grown since.';
comment on column media.list_cache.expires_at is 'Until then the copy is given out, if it is there.';
comment on column media.list_cache.used_at is
  'When it was last read, within a minute; null: not lately, and it is not kept filled.';
comment on column media.list_cache.refresh_wanted_at is
  'Since when somebody waits for it to be read from TMDB, because what is known of it has become old.';
comment on column media.list_cache.body is 'Null: there is no copy. {"list": {...}, "items": [...]}';

create unlogged table media.list_cache_reads (
  reads  bigint not null,
  day    date   not null,
  result text collate "C" not null,
  constraint list_cache_reads_pkey primary key (day, result),
  constraint list_cache_reads_result_check check (result in ('hit', 'miss', 'stale'))
) with (fillfactor = 50);
comment on table media.list_cache_reads is 'How lists were read, by day (UTC).';
comment on column media.list_cache_reads.result is
  'hit: from its copy; miss: computed; stale: either, and what is known of the list has become old.';

-- Reading a list under the id that a client chose, whoever the client's user is.
create index lists_list_ref on media.lists (list_ref) where list_ref is not null;
