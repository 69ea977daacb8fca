drop table media.list_migration_lists;
drop table media.list_migrations;
drop table media.local_list_items;
drop table media.local_lists;
