-- How far users have watched: one row per item, the latest event wins.
create schema if not exists media;

-- Columns stand in the order of their alignment, the widest first: no padding within a row.
create table media.watch_progress (
  user_id      bigint      not null,
  updated_at   timestamptz not null,
  completed_at timestamptz,
  tmdb_id      integer     not null,
  position_s   integer     not null,
  duration_s   integer     not null,
  season       smallint    not null default 0,
  episode      smallint    not null default 0,
  media_type   text collate "C" not null,
  event_id     text collate "C" not null,
  session_id   text collate "C",
  state        text collate "C",
  constraint watch_progress_pkey primary key (user_id, media_type, tmdb_id, season, episode),
  constraint watch_progress_media_type_check check (media_type in ('movie', 'tv')),
  constraint watch_progress_state_check check (state in ('start', 'progress', 'stop')),
  constraint watch_progress_position_check
    check (position_s >= 0 and position_s <= duration_s and duration_s > 0 and duration_s < 86400),
  constraint watch_progress_episode_check
    check (season >= 0 and episode >= 0 and (media_type = 'tv' or (season = 0 and episode = 0)))
)
-- Rows are rewritten every few seconds while somebody watches. With room on the page, and no index on a column that
-- changes, the new version stays on it and no index is touched (HOT).
with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

comment on table media.watch_progress is
  'Playback position of a user in a movie or an episode; the latest event by (updated_at, event_id) wins.';
comment on column media.watch_progress.updated_at is 'When the player was at position_s, by the player''s clock.';
comment on column media.watch_progress.completed_at is
  'Earliest updated_at of an event at or beyond the completion share; kept when the item is watched again.';
comment on column media.watch_progress.tmdb_id is 'TMDB id of the movie, or of the show; the two overlap.';
comment on column media.watch_progress.season is '0 for movies, and for the specials of a show.';
comment on column media.watch_progress.episode is '0 for movies.';
comment on column media.watch_progress.event_id is 'CloudEvents id of the winning event; breaks ties of updated_at.';
comment on column media.watch_progress.session_id is 'Playback session of the winning event, if the player named one.';
comment on column media.watch_progress.state is 'What the player reported: start, progress or stop.';
