-- What handlers do by the clock: which worker did it last, and what came of it.

create table spool.duties (
  handler     text        collate "C" not null,
  duty        text        collate "C" not null,
  version     bigint      not null default 0,
  last_run_at timestamptz,
  done_at     timestamptz,
  rows        bigint      not null default 0,
  events      bigint      not null default 0,
  more        boolean     not null default false,
  failures    int         not null default 0,
  retry_at    timestamptz,
  last_error  text,
  owner       text        collate "C",
  primary key (handler, duty)
);
comment on table spool.duties is
  'What handlers do by the clock and not for an event. Whoever runs a duty holds its row locked until the end of its transaction.';
comment on column spool.duties.version is 'Runs that ended, well or not.';
comment on column spool.duties.last_run_at is 'When the last of them ended.';
comment on column spool.duties.done_at is
  'When the last one that went well ended: from then on its period counts. Null: none has.';
comment on column spool.duties.rows is 'Written or removed by that one.';
comment on column spool.duties.events is 'Published by it.';
comment on column spool.duties.more is 'It left work for another run at once.';
comment on column spool.duties.failures is 'Failed runs since.';
comment on column spool.duties.retry_at is 'Not before; null: when its period is over.';
comment on column spool.duties.last_error is 'Of the last run, if it failed.';
comment on column spool.duties.owner is 'The worker of the last run: host and process.';
