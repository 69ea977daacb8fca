drop function spool.is_of_user(bytea, bytea, text, text);
drop function spool.json_or_null(bytea);
drop table spool.audit_log;
drop table spool.command_lanes;
drop table spool.commands;
drop function spool.keep_inbox(int);
drop table spool.inbox;
drop table spool.forgotten_deaths;
drop table spool.dead_letter_tombstones;
drop index spool.dead_letters_lane;
drop index spool.dead_letters_open;
alter table spool.dead_letters
  drop column order_key, drop column history, drop column edited, drop column erased, drop column note,
  drop column settled_at;
alter table spool.outbox drop column source, drop column event_id;
drop table spool.open_events;
drop table spool.lane_companions;
alter table spool.lanes
  drop column clean, drop column log_together, drop column log_until, drop column open_together,
  drop column open_left, drop column trial_origin, drop column trial_at, drop column trial_until,
  drop column trial_events, drop column accused_origin, drop column accused_at, drop column ends;
