-- Handlers whose effect is a call to another service: what is begun is marked before.

alter table spool.open_events add column doubt_until timestamptz;
comment on column spool.open_events.doubt_until is
  'Somebody may have begun to perform it, and has surely ended by then; what became of it is asked before it is performed again.';
