alter table spool.open_events drop column doubt_until;
