drop table spool.dead_letters;
drop table spool.outbox;
drop table spool.lane_batches;
drop table spool.lanes;
drop table spool.handler_topics;
