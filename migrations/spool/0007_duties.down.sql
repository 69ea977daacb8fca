drop table spool.duties;
