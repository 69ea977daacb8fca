drop table media.watch_progress;
-- Fails while other tables live in the schema, which is right: their migrations come down first.
drop schema media;
