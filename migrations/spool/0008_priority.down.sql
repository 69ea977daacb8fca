delete from spool.commands where kind = 'prioritize';
alter table spool.commands
  drop column priority,
  drop constraint commands_kind_check,
  add constraint commands_kind_check
    check (kind in ('replay', 'discard', 'restore', 'retry_now', 'cancel', 'erase', 'accept_loss'));
alter table spool.open_events drop column priority;
