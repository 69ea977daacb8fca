-- Lists are read from TMDB now and then, to take over or only to report what others did to them.

alter table media.queued_list_operations
  drop constraint queued_list_operations_type_check,
  add constraint queued_list_operations_type_check check (operation_type in
    ('create_list', 'update_list', 'delete_list', 'clear_list', 'add_movie', 'remove_movie', 'refresh_list')),
  add column details jsonb;
comment on column media.queued_list_operations.details is
  'Of a refresh_list that has read its list: in what the mirror and TMDB contradicted each other.';
-- The few that wait, among all that have been.
create index queued_list_operations_refresh on media.queued_list_operations (list_id)
  where operation_type = 'refresh_list' and status in ('pending', 'processing');
-- Those whose turn to be read comes first.
create index lists_last_synced on media.lists (coalesce(last_synced_at, timestamptz '-infinity'))
  where existence = 'exists' and tmdb_list_id is not null;

-- Reading a list shows nothing.
create or replace view media.showing_list_operations as
select l.id as list_id, l.tmdb_user_id, o.id, o.turn, o.operation_type, o.operation_data, o.movie_id
from media.lists l
cross join lateral (
  select w.*, min(w.turn) filter (where w.operation_type = 'delete_list' and w.turn > w.first) over () as last
  from (
    select u.*, case l.existence
        when 'never' then min(u.turn) filter (where u.operation_type = 'create_list') over ()
        when 'gone' then null
        else 0 end as first
    from (
      select q.id, q.operation_type, q.operation_data, q.movie_id, row_number() over (
          order by q.scheduled, case when q.scheduled then q.scheduled_for end, q.position) as turn
      from media.queued_list_operations q
      where q.list_id = l.id and q.status in ('pending', 'processing') and q.operation_type <> 'refresh_list'
    ) u
  ) w
) o
where o.turn >= o.first and (o.last is null or o.turn <= o.last)
  and (o.operation_type <> 'create_list' or o.turn = o.first);
