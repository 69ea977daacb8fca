-- A lost position can be accepted; what the metrics count is found without looking through everything.

alter table spool.commands
  drop constraint commands_kind_check,
  add constraint commands_kind_check
    check (kind in ('replay', 'discard', 'restore', 'retry_now', 'cancel', 'erase', 'accept_loss'));
comment on column spool.commands.filter is
  'Which events, all of: {"ids": [of dead letters], "numbers": [of open events], "partition", "error": "upstream.*", "topic", "fingerprint", "key", "event_type", "source", "state", "user" with "user_field", "older_than", "until"}; what failed after the last two is not meant. Of accept_loss: {"partition", "from": the lost position, "to": where the lane goes on}.';
create index commands_live on spool.commands (kind, state) where state in ('running', 'paused');

create index outbox_refused on spool.outbox (handler, partition) where error is not null;

comment on column spool.lanes.start_offset is
  'First offset ever counted. If an operator has accepted that another log begins, next_offset less everything that was counted.';
comment on table spool.lane_batches is
  'One row for each transaction that moved a lane: offsets [from_offset, to_offset) and what became of them. One that goes back counts nothing: an operator accepted that another log begins. Kept 24 hours, for audits.';
