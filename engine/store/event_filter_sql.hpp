// Inside of this folder only: the words of an EventFilter as conditions in SQL, over the jsonb that
// filter_json() writes: the same for counting, for looking and for the lane's owner, who acts. As a
// parameter the jsonb is folded while the statement is planned, so that the indexes count. R, D and
// O are the aliases of the row, F is the jsonb.
#pragma once

// A glob as a pattern of LIKE: only '*' stands for anything.
#define SPOOL_GLOB(TEXT) \
  "replace(replace(replace(replace(" TEXT ", '\\', '\\\\'), '%', '\\%'), '_', '\\_'), '*', '%')"

// What dead letters and open events have in common.
#define SPOOL_EVENT_MATCHES(R, F) \
  "(not " F " ? 'partition' or " R ".partition = (" F " ->> 'partition')::int)"             \
  " and (not " F " ? 'error' or " R ".error_type like " SPOOL_GLOB(F " ->> 'error'") ")"     \
  " and (not " F " ? 'key' or " R ".key = convert_to(" F " ->> 'key', 'UTF8'))"             \
  " and (not " F " ? 'event_type' or " R ".event_type = " F " ->> 'event_type')"            \
  " and (not " F " ? 'source' or " R ".source = " F " ->> 'source')"                        \
  " and (not " F " ? 'state' or " R ".state = " F " ->> 'state')"                           \
  " and (not " F " ? 'user' or spool.is_of_user(" R ".key, " R ".value, " F " ->> 'user', " \
  F " ->> 'user_field'))"

#define SPOOL_LETTER_MATCHES(D, F)                                                  \
  "(not " F " ? 'ids' or " D ".id = any (array(select jsonb_array_elements_text(" F \
  " -> 'ids')::uuid)))"                                                             \
  " and not " F                                                                     \
  " ? 'numbers'"                                                                    \
  " and (not " F " ? 'until' or " D ".dead_at <= (" F                               \
  " ->> 'until')::timestamptz)"                                                     \
  " and (not " F " ? 'older_than' or " D ".dead_at <= (" F                          \
  " ->> 'older_than')::timestamptz)"                                                \
  " and (not " F " ? 'topic' or " D ".topic = " F                                   \
  " ->> 'topic')"                                                                   \
  " and (not " F " ? 'fingerprint' or " D ".fingerprint = " F                       \
  " ->> 'fingerprint')"                                                             \
  " and " SPOOL_EVENT_MATCHES(D, F)

// L: the alias of the row's lane, which has the topic.
#define SPOOL_OPEN_MATCHES(O, L, F)                                                              \
  "not " F " ? 'ids' and not " F                                                                 \
  " ? 'fingerprint'"                                                                             \
  " and (not " F " ? 'numbers' or " O ".number = any (array(select jsonb_array_elements_text(" F \
  " -> 'numbers')::bigint)))"                                                                    \
  " and (not " F " ? 'until' or " O ".opened_at <= (" F                                          \
  " ->> 'until')::timestamptz)"                                                                  \
  " and (not " F " ? 'older_than' or " O ".opened_at <= (" F                                     \
  " ->> 'older_than')::timestamptz)"                                                             \
  " and (not " F " ? 'topic' or " L ".topic = " F                                                \
  " ->> 'topic')"                                                                                \
  " and " SPOOL_EVENT_MATCHES(O, F)
