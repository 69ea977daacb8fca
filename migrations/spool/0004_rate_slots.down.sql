drop function spool.lease_rate(text, bigint, bigint, bigint, bigint, bigint[], bigint[]);
drop table spool.rate_slots;
drop table spool.rate_limits;
