-- What fails is kept, retried in order, and replayed: open events, inbox, commands, audit log.

-- How the owners before ended (see engine/delivery/suspicion.hpp).
alter table spool.lanes
  add column clean          boolean not null default true,
  add column log_together   bigint  not null default 0,
  add column log_until      bigint  not null default 0,
  add column open_together  bigint  not null default 0,
  add column open_left      bigint  not null default 0,
  add column trial_origin   text    check (trial_origin in ('log', 'open')),
  add column trial_at       bigint  not null default 0,
  add column trial_until    bigint  not null default 0,
  add column trial_events   bigint  not null default 0,
  add column accused_origin text    check (accused_origin in ('log', 'open')),
  add column accused_at     bigint  not null default 0,
  add column ends           int     not null default 0;

comment on column spool.lanes.clean is 'Whether the last owner let go of the lane. If not, what it may have been running is suspect.';
comment on column spool.lanes.log_together is 'How many events of the log may run in one transaction while they are suspect; 0: they are not.';
comment on column spool.lanes.log_until is 'Offset at which the suspect events of the log end; 0: with the next transaction.';
comment on column spool.lanes.open_together is 'The same for open events.';
comment on column spool.lanes.open_left is 'How many open events are still to be run so.';
comment on column spool.lanes.trial_origin is 'Set while suspects run: written before, cleared by their commit.';
comment on column spool.lanes.accused_at is 'The event that was running alone when an owner ended.';
comment on column spool.lanes.ends is 'How often in a row that happened with this event; at three it is buried.';

create table spool.lane_companions (
  handler     text   collate "C" not null,
  partition   int    not null,
  topic       text   not null,
  next_offset bigint not null,
  primary key (handler, partition, topic)
);
comment on table spool.lane_companions is
  'Where a lane goes on reading each of its retry topics. Too early is harmless.';

create table spool.open_events (
  handler             text        collate "C" not null,
  partition           int         not null,
  number              bigint      not null,
  order_key           uuid        not null,
  state               text        not null check (state in ('head', 'parked', 'scheduled', 'dead')),
  due_at              timestamptz,
  called              boolean     not null default false,
  life                int         not null default 0,
  attempts            int         not null default 0,
  first_failed_at     timestamptz,
  source              text        collate "C" not null,
  event_id            text        collate "C" not null,
  event_type          text        not null,
  record_offset       bigint      not null,
  record_timestamp_ms bigint      not null,
  key                 bytea,
  value               bytea,
  headers             bytea       not null,
  bytes               int         not null,
  error_type          text,
  error_message       text,
  history             jsonb       not null default '[]',
  replay_id           uuid,
  opened_at           timestamptz not null default now(),
  primary key (handler, partition, number)
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
create index open_events_key on spool.open_events (handler, partition, order_key, number);
create index open_events_scheduled on spool.open_events (handler, partition, due_at) where state = 'scheduled';
create index open_events_identity on spool.open_events (handler, source, event_id);

comment on table spool.open_events is
  'Events that are neither applied nor dead: heads (they hold their key until they finish), what is parked behind them, scheduled ones. Only the lane''s owner writes here.';
comment on column spool.open_events.number is 'Order within the lane; given by the owner.';
comment on column spool.open_events.order_key is 'Hash of the key whose events keep their order.';
comment on column spool.open_events.due_at is 'When a head or scheduled event acts.';
comment on column spool.open_events.called is 'It was scheduled, and its time has come, or an operator said so.';
comment on column spool.open_events.attempts is 'Made so far in this life.';
comment on column spool.open_events.bytes is 'As the lane''s bound counts them.';
comment on column spool.open_events.history is 'The newest attempts that failed: [{"life", "attempt", "at", "error_type", "message"}].';
comment on column spool.open_events.replay_id is 'The command that began this life, if one did.';
comment on column spool.open_events.opened_at is 'Since when it waits; if it is replayed, when it died.';

-- Whose record it is: what is to be erased may wait here too.
alter table spool.outbox
  add column source   text collate "C",
  add column event_id text collate "C";

alter table spool.dead_letters
  add column order_key uuid,
  add column history   jsonb       not null default '[]',
  add column edited    boolean     not null default false,
  add column erased    boolean     not null default false,
  add column note      text,
  add column settled_at timestamptz;
-- What died before this column came waits for its own copies only.
update spool.dead_letters set order_key = md5(coalesce(key, convert_to(source || ' ' || event_id, 'UTF8')))::uuid;
alter table spool.dead_letters alter column order_key set not null;
create index dead_letters_lane on spool.dead_letters (handler, partition, record_offset, id);
create index dead_letters_open on spool.dead_letters (handler, error_type, dead_at) where state = 'open';

comment on column spool.dead_letters.order_key is 'Hash of the key whose events keep their order; a replay takes its place there.';
comment on column spool.dead_letters.history is 'The attempts that failed, of all lives: [{"life", "attempt", "at", "error_type", "message"}].';
comment on column spool.dead_letters.edited is 'A person has changed the payload since it died.';
comment on column spool.dead_letters.erased is 'The payload was removed on request; such a letter cannot be replayed.';
comment on column spool.dead_letters.settled_at is 'When it was resolved or discarded.';

create table spool.dead_letter_tombstones (
  handler    text collate "C" not null,
  source     text collate "C" not null,
  event_id   text collate "C" not null,
  life       int  not null,
  partition  int  not null,
  state      text not null,
  removed_at timestamptz not null default now(),
  primary key (handler, source, event_id)
);
create index dead_letter_tombstones_age on spool.dead_letter_tombstones (removed_at);
comment on table spool.dead_letter_tombstones is
  'Dead letters that retention removed: their events must not come back to life by a copy of their record.';

create table spool.forgotten_deaths (
  handler   text   collate "C" not null,
  partition int    not null,
  events    bigint not null,
  primary key (handler, partition)
);
comment on table spool.forgotten_deaths is
  'How many of a lane''s dead events have not even a tombstone left; its counter `dead` still has them.';

create table spool.inbox (
  day      date not null,
  handler  text collate "C" not null,
  source   text collate "C" not null,
  event_id text collate "C" not null,
  primary key (handler, source, event_id, day)
) partition by range (day);
comment on table spool.inbox is
  'Events of handlers that declare `inbox`, settled in the last days: applied, or ended dead. A partition a day, dropped whole.';

-- Makes the partitions of the next days and drops those older than `days`, by the days of UTC. With
-- the owner's rights: the worker's role need not create tables. Attached rather than created in
-- place, which would stop everybody who reads the inbox.
create function spool.keep_inbox(days int) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  today date := (now() at time zone 'UTC')::date;
  d date;
  name text;
begin
  if not pg_try_advisory_xact_lock(hashtext('spool.keep_inbox')) then
    return;  -- somebody else is at it
  end if;
  for d in select today + n from generate_series(0, 2) as n loop
    name := 'inbox_' || to_char(d, 'YYYYMMDD');
    if to_regclass('spool.' || name) is null then
      execute format('create table spool.%I (like spool.inbox including all)', name);
      execute format('alter table spool.inbox attach partition spool.%I for values from (%L) to (%L)', name, d, d + 1);
    end if;
  end loop;
  for name in select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'spool.inbox'::regclass
      and c.relname < 'inbox_' || to_char(today - greatest(days, 1), 'YYYYMMDD') loop
    execute format('drop table spool.%I', name);
  end loop;
end $$;
select spool.keep_inbox(7);

create table spool.commands (
  id          uuid        primary key,
  kind        text        not null check (kind in ('replay', 'discard', 'restore', 'retry_now', 'cancel', 'erase')),
  handler     text        collate "C" not null,
  filter      jsonb       not null,
  state       text        not null default 'running' check (state in ('running', 'paused', 'cancelled', 'finished')),
  rate        bigint      not null default 0,
  matched     bigint      not null,
  reason      text        not null,
  actor       text        not null,
  created_at  timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
create index commands_newest on spool.commands (created_at desc, id);
comment on table spool.commands is
  'What operators ask of lanes; carried out by the lanes'' owners, page by page.';
comment on column spool.commands.filter is
  'Which events, all of: {"ids": [of dead letters], "numbers": [of open events], "partition", "error": "upstream.*", "topic", "fingerprint", "key", "event_type", "source", "state", "user" with "user_field", "older_than", "until"}; what failed after the last two is not meant.';
comment on column spool.commands.rate is 'Events a second over all lanes; 0: as fast as it goes.';
comment on column spool.commands.matched is 'How many it was about when it was given.';

create table spool.command_lanes (
  command_id    uuid   not null references spool.commands on delete cascade,
  handler       text   collate "C" not null,
  partition     int    not null,
  cursor_offset bigint not null default -1,
  cursor_id     uuid   not null default '00000000-0000-0000-0000-000000000000',
  cursor_number bigint not null default -1,
  done          bigint not null default 0,
  skipped       bigint not null default 0,
  finished      boolean not null default false,
  updated_at    timestamptz not null default clock_timestamp(),
  primary key (command_id, handler, partition)
);
create index command_lanes_waiting on spool.command_lanes (handler, partition) where not finished;
comment on table spool.command_lanes is
  'How far each lane has come with a command; written by the lane''s owner in the transaction of the page.';
comment on column spool.command_lanes.cursor_offset is 'With cursor_id: the last dead letter that was looked at.';
comment on column spool.command_lanes.cursor_number is 'The last open event that was looked at.';

create table spool.audit_log (
  number  bigint generated always as identity primary key,
  at      timestamptz not null default clock_timestamp(),
  actor   text        not null,
  action  text        not null,
  handler text,
  subject text        not null,
  reason  text        not null,
  detail  jsonb       not null default '{}'
);
comment on table spool.audit_log is 'Who changed what by hand, and why.';
create index audit_log_at on spool.audit_log using brin (at) with (pages_per_range = 32);

create function spool.json_or_null(value bytea) returns jsonb
language plpgsql immutable strict parallel safe as $$
begin
  return convert_from(value, 'UTF8')::jsonb;
exception when others then
  return null;
end $$;
comment on function spool.json_or_null is 'Of a record''s value, which may be anything.';

create function spool.is_of_user(key bytea, value bytea, person text, field text) returns boolean
language sql stable parallel safe as $$
  select coalesce(key = convert_to(person, 'UTF8'), false)
      or coalesce(substring(key from 1 for octet_length(person) + 1) = convert_to(person || ':', 'UTF8'), false)
      or coalesce(json ->> field = person, false)
      or coalesce(json -> 'data' ->> field = person, false)
  from (select spool.json_or_null(value) as json) as read
$$;
comment on function spool.is_of_user is
  'Whether a record is about that person: by its key, <person> or <person>:..., or by that member of its data, in either mode of CloudEvents.';
