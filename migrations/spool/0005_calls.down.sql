alter table spool.open_events drop column doubt_until;
alter table spool.lanes drop column doubt_below, drop column doubt_until;
