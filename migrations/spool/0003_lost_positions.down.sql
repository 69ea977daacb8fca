comment on table spool.lane_batches is
  'One row for each transaction that moved a lane: offsets [from_offset, to_offset) and what became of them. Kept 24 hours, for audits.';
comment on column spool.lanes.start_offset is 'First offset ever counted.';
drop index spool.outbox_refused;
drop index spool.commands_live;
comment on column spool.commands.filter is
  'Which events, all of: {"ids": [of dead letters], "numbers": [of open events], "partition", "error": "upstream.*", "topic", "fingerprint", "key", "event_type", "source", "state", "user" with "user_field", "older_than", "until"}; what failed after the last two is not meant.';
delete from spool.commands where kind = 'accept_loss';
alter table spool.commands
  drop constraint commands_kind_check,
  add constraint commands_kind_check
    check (kind in ('replay', 'discard', 'restore', 'retry_now', 'cancel', 'erase'));
