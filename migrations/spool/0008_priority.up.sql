-- Of the events whose turn has come some go first, and operators can say which.

alter table spool.open_events add column priority smallint not null default 5;
comment on column spool.open_events.priority is
  'Which head goes first, 9 before 0, where handlers perform. Every tenth is the one that has been due for the longest.';

alter table spool.commands
  add column priority smallint check (priority between 0 and 9),
  drop constraint commands_kind_check,
  add constraint commands_kind_check
    check (kind in ('replay', 'discard', 'restore', 'retry_now', 'cancel', 'erase', 'accept_loss', 'prioritize')),
  add constraint commands_priority_kind_check check ((kind = 'prioritize') = (priority is not null));
comment on column spool.commands.priority is 'Of prioritize: what the events get.';
