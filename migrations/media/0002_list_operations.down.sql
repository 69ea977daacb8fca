drop view media.shown_list_items;
drop view media.shown_lists;
drop view media.showing_list_operations;
drop table media.tmdb_sessions;
drop function media.operation_hash(text, text);
drop table media.operation_tombstones;
drop table media.queued_list_operations;
drop table media.user_list_items;
drop table media.lists;
