-- The engine's own tables: who owns a lane and where it stands, what waits to be published, what died.

create table spool.lanes (
  handler           text   collate "C" not null,
  partition         int    not null,
  topic             text   not null,
  epoch             bigint not null,
  token             uuid   not null,
  seq               bigint not null,
  owner             text   not null,
  start_offset      bigint not null,
  next_offset       bigint not null,
  last_offset bigint not null default -1,
  last_timestamp_ms bigint not null default -1,
  applied           bigint not null default 0,
  duplicate         bigint not null default 0,
  dead              bigint not null default 0,
  open              bigint not null default 0,
  gaps              bigint not null default 0,
  lost              bigint not null default 0,
  state             text   not null default 'running' check (state in ('running', 'stopped')),
  reason            text,
  detail            text,
  taken_at          timestamptz not null default clock_timestamp(),
  updated_at        timestamptz not null default clock_timestamp(),
  primary key (handler, partition),
  constraint lanes_conservation
    check (next_offset - start_offset = applied + duplicate + dead + open + gaps + lost)
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

comment on table spool.lanes is
  'One row a lane: one partition number of one handler. Its owner''s every transaction updates it first.';
comment on column spool.lanes.epoch is 'How often the lane was taken.';
comment on column spool.lanes.token is 'Random; written by the taking of the present owner, who must show it.';
comment on column spool.lanes.seq is
  'Counts the owner''s transactions. One that went back tells that the database lost confirmed ones.';
comment on column spool.lanes.start_offset is 'First offset ever counted.';
comment on column spool.lanes.next_offset is 'Next offset to apply; here the lane resumes.';
comment on column spool.lanes.last_timestamp_ms is
  'Kafka timestamp of the record at last_offset, by which a recreated topic is recognised; -1: unknown.';
comment on column spool.lanes.last_offset is
  'The last record below next_offset (gaps may stand between); -1: none yet.';
comment on column spool.lanes.applied is 'Events that took effect, stale and coalesced ones included.';
comment on column spool.lanes.duplicate is 'Events seen before under the same source and id.';
comment on column spool.lanes.dead is 'Events that ended in dead_letters.';
comment on column spool.lanes.open is 'Events that wait: held, scheduled, parked.';
comment on column spool.lanes.gaps is 'Offsets without a record: control and compacted records.';
comment on column spool.lanes.lost is 'Offsets that an operator gave up, with a reason.';
comment on column spool.lanes.reason is 'Why the lane stands still (state stopped), as a word for alerts.';
comment on column spool.lanes.detail is 'The same for people.';

create table spool.handler_topics (
  handler    text not null primary key,
  topic      text not null,
  partitions int  not null check (partitions > 0),
  cluster_id text not null
);
comment on table spool.handler_topics is
  'What a handler''s log was when its first lane was taken: partitions beyond these are not read, and the
   offsets of another cluster are not ours.';

create table spool.lane_batches (
  handler     text        not null,
  partition   int         not null,
  epoch       bigint      not null,
  seq         bigint      not null,
  from_offset bigint      not null,
  to_offset   bigint      not null,
  applied     bigint      not null,
  duplicate   bigint      not null,
  dead        bigint      not null,
  open        bigint      not null,
  gaps        bigint      not null,
  lost        bigint      not null,
  at          timestamptz not null default now()
);
create index lane_batches_at on spool.lane_batches using brin (at) with (pages_per_range = 32);

comment on table spool.lane_batches is
  'One row for each transaction that moved a lane: offsets [from_offset, to_offset) and what became of them. Kept 24 hours, for audits.';

create table spool.outbox (
  number     bigint generated always as identity primary key,
  id         uuid        not null unique,
  handler    text        collate "C" not null,
  partition  int         not null,
  topic      text        not null,
  key        bytea,
  value      bytea,
  headers    bytea       not null,
  created_at timestamptz not null default now(),
  error      text
);
create index outbox_waiting on spool.outbox (handler, partition, number) where error is null;

comment on table spool.outbox is
  'Records to be published by the lane''s owner once they are durable; deleted when Kafka has acknowledged them.';
comment on column spool.outbox.number is 'Order of publication within the lane.';
comment on column spool.outbox.id is 'Derived from the event, so that a second publication is recognisable.';
comment on column spool.outbox.headers is 'Packed: names and values as bytes, in order.';
comment on column spool.outbox.error is 'Why Kafka refused the record for good; such a row waits for a person.';

create table spool.dead_letters (
  id                  uuid        primary key default gen_random_uuid(),
  handler             text        collate "C" not null,
  source              text        collate "C" not null,
  event_id            text        collate "C" not null,
  event_type          text        not null,
  life                int         not null default 0,
  topic               text        not null,
  partition           int         not null,
  record_offset       bigint      not null,
  record_timestamp_ms bigint      not null,
  key                 bytea,
  value               bytea,
  headers             bytea       not null,
  error_type          text        not null,
  error_field         text        not null,
  error_message       text        not null,
  fingerprint         text        not null,
  attempts            int         not null,
  state               text        not null default 'open'
                      check (state in ('open', 'replaying', 'resolved', 'discarded')),
  first_seen          timestamptz not null,
  dead_at             timestamptz not null default now(),
  unique (handler, source, event_id)
);
create index dead_letters_newest on spool.dead_letters (handler, dead_at desc, id desc);
create index dead_letters_fingerprint on spool.dead_letters (fingerprint, dead_at desc);
create index dead_letters_all_newest on spool.dead_letters (dead_at desc, id desc);

comment on table spool.dead_letters is
  'Events that could not be applied, with their bytes, origin and error, until a person replays or discards them.';
comment on column spool.dead_letters.life is 'Counts replays: each gives the event a new life.';
comment on column spool.dead_letters.headers is 'Of the original record, packed: names and values as bytes, in order.';
comment on column spool.dead_letters.error_type is 'Class of the error, out of a closed list.';
comment on column spool.dead_letters.error_field is 'Dotted path of the field to blame, empty if it is no single one.';
comment on column spool.dead_letters.fingerprint is
  'Handler, class and text without numbers, quotes, ids and dates: equal for failures of one cause.';
