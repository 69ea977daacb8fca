// How times travel between the program and the database: as microseconds since the epoch, 0 for
// none, which is null there. For statements, as SQL in pieces of string literals.
#pragma once

#define SPOOL_TIME(MICROS)                                       \
  "(case when " MICROS " > 0 then timestamptz 'epoch' + " MICROS \
  " * interval '1 microsecond' "                                 \
  "end)"
#define SPOOL_MICROS(TIME) "coalesce((extract(epoch from " TIME ") * 1000000)::bigint, 0)"
