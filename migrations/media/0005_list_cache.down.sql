drop index media.lists_list_ref;
drop table media.list_cache_reads;
drop table media.list_cache;
