-- Limits on calls to other services that hold over all workers (see engine/delivery/rate_slots.hpp).

create table spool.rate_limits (
  upstream        text   collate "C" primary key,
  timeline        text   not null,
  closed_until_us bigint not null default 0
);
comment on table spool.rate_limits is
  'One row for each service whose calls are limited: whoever leases tokens locks it.';
comment on column spool.rate_limits.timeline is
  'Of the database when tokens were leased last. On another one grants may be missing.';
comment on column spool.rate_limits.closed_until_us is
  'No slot is granted that begins before, because what was granted is not known.';

create table spool.rate_slots (
  upstream  text   collate "C" not null,
  begins_us bigint not null,
  ends_us   bigint not null,
  granted   bigint not null,
  primary key (upstream, begins_us)
);
comment on table spool.rate_slots is
  'How many calls to a service may begin in each short slot of the database''s time, in microseconds since 1970. Of the last windows only.';

-- Grants up to `wanted` tokens of the slots that begin soon, the earliest first. A slot is granted so many that it, the
-- slots that end within `span_us` before its begin, and all later ones hold `requests` at the most: so, whatever the order
-- of grants, do the slots that any stretch of the length of `span_us` touches. `unused` tokens of earlier leases were
-- never granted. A slot of which less than a quarter is left is past.
create function spool.lease_rate(
  of_upstream text, requests bigint, span_us bigint, slot_us bigint, wanted bigint, unused_of bigint[], unused bigint[],
  out arrived_us bigint, out answered_us bigint, out next_us bigint, out begins bigint[], out tokens bigint[])
language plpgsql as $$
declare
  ahead constant bigint := 4 * slot_us;
  -- Until nothing that is still in the hands of workers shares a window with what is granted then.
  closing constant bigint := span_us + ahead + 2 * slot_us;
  here constant text := substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8);
  missing bigint := wanted;
  now_us bigint;
  closed bigint;
  slot bigint;
  full_until bigint;
  room bigint;
begin
  arrived_us := extract(epoch from statement_timestamp()) * 1000000;
  next_us := 0;
  begins := '{}';
  tokens := '{}';

  insert into spool.rate_limits as l (upstream, timeline) values (of_upstream, here)
    on conflict (upstream) do update set timeline = excluded.timeline,
      closed_until_us = case when l.timeline = excluded.timeline then l.closed_until_us
        else (extract(epoch from clock_timestamp()) * 1000000)::bigint + closing end
    returning l.closed_until_us into closed;
  now_us := extract(epoch from clock_timestamp()) * 1000000;  -- not before the lock

  update spool.rate_slots s set granted = greatest(s.granted - u.n, 0)
    from unnest(unused_of, unused) as u (b, n) where s.upstream = of_upstream and s.begins_us = u.b;
  -- Twice as long as needed, in case the clock is set back.
  delete from spool.rate_slots s where s.upstream = of_upstream
    and (s.granted = 0 or s.ends_us <= now_us - 2 * span_us);
  -- It was set back by more: nobody waits until it is there again.
  delete from spool.rate_slots s where s.upstream = of_upstream and s.begins_us > now_us + span_us;
  if found then
    closed := now_us + closing;
  end if;
  if closed > now_us + closing then
    closed := now_us + closing;
  end if;
  update spool.rate_limits l set closed_until_us = closed where l.upstream = of_upstream and l.closed_until_us <> closed;

  slot := greatest((now_us + slot_us / 4) / slot_us, (closed + slot_us - 1) / slot_us) * slot_us;
  while missing > 0 loop
    select max(f.ends_us) into full_until from (
      select s.ends_us, sum(s.granted) over (order by s.ends_us desc) as until_now
      from spool.rate_slots s where s.upstream = of_upstream) f where f.until_now >= requests;
    slot := (greatest(slot, full_until + span_us) + slot_us - 1) / slot_us * slot_us;
    if slot > now_us + ahead then
      next_us := slot;
      exit;
    end if;
    select least(missing, requests - coalesce(sum(s.granted), 0)) into room
      from spool.rate_slots s where s.upstream = of_upstream and s.ends_us > slot - span_us;
    insert into spool.rate_slots as s (upstream, begins_us, ends_us, granted)
      values (of_upstream, slot, slot + slot_us, room)
      on conflict (upstream, begins_us)
      do update set granted = s.granted + excluded.granted, ends_us = greatest(s.ends_us, excluded.ends_us);
    begins := begins || slot;
    tokens := tokens || room;
    missing := missing - room;
  end loop;

  -- What is granted is used; only what is taken back may be lost.
  if missing < wanted then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  answered_us := extract(epoch from clock_timestamp()) * 1000000;
end $$;
