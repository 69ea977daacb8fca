drop table spool.handler_acknowledgements;
drop table spool.handler_switches;
