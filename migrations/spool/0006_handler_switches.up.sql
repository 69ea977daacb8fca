-- Operators can pause a handler, and see that its workers know.

create table spool.handler_switches (
  handler    text        collate "C" primary key,
  paused     boolean     not null,
  until      timestamptz,
  reason     text        not null,
  actor      text        not null,
  version    bigint      not null check (version > 0),
  changed_at timestamptz not null default clock_timestamp(),
  check (paused or until is null)
);
comment on table spool.handler_switches is
  'What operators have decided of a handler last; one without a row runs. Paused: its events are accepted, shown and can be cancelled, and have no effect.';
comment on column spool.handler_switches.until is
  'A pause ends by itself then; null: when it is resumed.';
comment on column spool.handler_switches.version is
  'One more with each decision.';

create table spool.handler_acknowledgements (
  handler text        collate "C" not null,
  owner   text        collate "C" not null,
  version bigint      not null,
  session int         not null,
  seen_at timestamptz not null default clock_timestamp(),
  primary key (handler, owner)
);
comment on table spool.handler_acknowledgements is
  'Each worker says again and again which decision about a handler it acts on, for each handler that it serves. Kept for an hour.';
comment on column spool.handler_acknowledgements.version is
  'Of spool.handler_switches, once the worker does nothing any more that it forbids; 0: there was none.';
comment on column spool.handler_acknowledgements.session is
  'The process of the worker''s session in the database: as long as it is there the worker may live.';
