-- Handlers whose effect is a call to another service: what is begun is marked before.

alter table spool.open_events add column doubt_until timestamptz;
comment on column spool.open_events.doubt_until is
  'Somebody may have begun to perform it, and has surely ended by then; what became of it is asked before it is performed again.';

alter table spool.lanes
  add column doubt_below bigint not null default 0,
  add column doubt_until timestamptz;
comment on column spool.lanes.doubt_below is
  'The database was found set back (a restore, a failover): events before this offset may have been performed by somebody whom it has forgotten.';
comment on column spool.lanes.doubt_until is 'Whoever that was has surely ended by then.';
