// Every metric of Spool: name and help text, once. Names and labels are an interface that
// dashboards and alerts rely on; labels are closed sets, never an id of a user, an event or a job.
// Which labels belong to which metric stands in families.cpp, next to its type.
#pragma once

namespace spool::observe {

struct MetricName {
  const char* name;
  const char* help;
};

namespace metric {

// Per handler.
inline constexpr MetricName kMessages{
    "spool_messages_total",
    "Attempts at events that ended, durably, by outcome; after retried another one follows."};
inline constexpr MetricName kMessagesFailed{
    "spool_messages_failed_total",
    "Failed attempts to apply events, by the class of error; those of kind waiting charge nobody."};
inline constexpr MetricName kHandlerDuration{"spool_handler_duration_seconds",
                                             "Time that a handler's apply() took, per call."};
inline constexpr MetricName kBatchEvents{"spool_batch_events",
                                         "Events taken into one transaction."};
inline constexpr MetricName kBatchRows{"spool_batch_rows",
                                       "Rows written by one transaction, after coalescing."};
inline constexpr MetricName kBatchDuration{
    "spool_batch_duration_seconds", "Time of one transaction, from BEGIN to the answer to COMMIT."};
inline constexpr MetricName kQueueWait{
    "spool_queue_wait_seconds",
    "Time of an event in its lane, from fetch to the start of its batch."};
inline constexpr MetricName kMessageAge{"spool_message_age_seconds",
                                        "Age of an event at its outcome, since it was published."};
inline constexpr MetricName kAttempts{"spool_attempts",
                                      "Attempts that an event had taken at its last outcome."};
inline constexpr MetricName kRetryLateness{
    "spool_retry_lateness_seconds",
    "Start of an attempt minus the time at which it was due; never negative."};
inline constexpr MetricName kRetryPending{"spool_retry_pending_messages",
                                          "Events that wait for their next attempt."};
inline constexpr MetricName kRetryNextDue{
    "spool_retry_next_due_timestamp_seconds",
    "When the next of the waiting attempts is due; absent if there is none."};
inline constexpr MetricName kDeadLetters{"spool_dead_letters", "Open dead letters."};
inline constexpr MetricName kDeadLetterOldest{
    "spool_dead_letter_oldest_timestamp_seconds",
    "When the oldest open dead letter died; absent if there is none."};
inline constexpr MetricName kDutySuccess{
    "spool_duty_last_success_timestamp_seconds",
    "When any worker last did this of what the handler does by the clock; 0: none ever has."};
inline constexpr MetricName kLookups{
    "spool_idempotency_lookups_total",
    "Events looked up among those settled before: new, replay (settled, nothing to do), "
    "in_progress, conflict (the same identity with another content)."};

// Per lane.
inline constexpr MetricName kLag{
    "spool_consumer_lag_messages",
    "Records between the lane's position and the end of its partition; absent if unknown."};
inline constexpr MetricName kPosition{"spool_consumer_position_offset",
                                      "Next offset to apply, as the database has it."};
inline constexpr MetricName kCommitted{"spool_consumer_committed_offset",
                                       "Next offset, as Kafka was last told."};
inline constexpr MetricName kOldestUnprocessed{
    "spool_consumer_oldest_unprocessed_timestamp_seconds",
    "Time of the next record to apply; absent if there is none or it is unknown."};
inline constexpr MetricName kPaused{
    "spool_consumer_paused",
    "1 while the lane stands still for this reason: operator, backpressure (it holds all it may), "
    "circuit (a service that it needs is away), database (away), schema (tables do not fit), "
    "position_lost, dead_letters (too many events in a row die)."};
inline constexpr MetricName kUncovered{
    "spool_lane_uncovered_offsets",
    "Offsets that the lane's counters (check=counters, each batch) or the rows that they stand for "
    "(check=tables, the audit) do not account for; anything but 0 is a defect."};
inline constexpr MetricName kOpenEvents{
    "spool_lane_open_events",
    "Events that are neither applied nor dead: they wait in the database "
    "for a retry or behind their key."};
inline constexpr MetricName kHeldKeys{"spool_lane_held_keys",
                                      "Keys whose events wait behind one that is not finished."};
inline constexpr MetricName kParkedBytes{"spool_lane_parked_bytes",
                                         "Size of the open events, payload and all."};
inline constexpr MetricName kFencedCommits{
    "spool_lane_fenced_commits_total",
    "Transactions refused because the lane belonged to another owner by then."};

// The process.
inline constexpr MetricName kRebalances{
    "spool_rebalances_total", "Changes of the group's assignment, as seen by this member."};
inline constexpr MetricName kDbErrors{"spool_db_errors_total",
                                      "Errors of the database, by the class of their SQLSTATE."};
inline constexpr MetricName kDbConnections{"spool_db_pool_connections",
                                           "Connections to the database, by state."};
inline constexpr MetricName kOutboxPending{"spool_outbox_pending_events",
                                           "Outbox rows that wait to be published, of all lanes."};
inline constexpr MetricName kOutboxOldest{
    "spool_outbox_oldest_timestamp_seconds",
    "When the oldest outbox row that waits was written; absent if there is none."};
inline constexpr MetricName kOutboxRefused{
    "spool_outbox_refused_events", "Outbox rows that Kafka refused for good; a person decides."};
inline constexpr MetricName kReplayRecords{
    "spool_replay_records_total",
    "Dead letters that replays went through: published (a new life began), "
    "skipped (somebody else had been there), failed (it ended dead again)."};
inline constexpr MetricName kReplayJobs{"spool_replay_jobs",
                                        "Replays that have not ended, by state: running, paused."};
inline constexpr MetricName kUpstreamRequests{
    "spool_upstream_requests_total", "Calls to a service that ended, by what became of them."};
inline constexpr MetricName kUpstreamDuration{
    "spool_upstream_request_duration_seconds",
    "Time of a call to a service, from its first byte to its end."};
inline constexpr MetricName kRateLimitWait{
    "spool_upstream_rate_limit_wait_seconds",
    "Time that calls waited for a permit of our own limit on the service, per permit."};
inline constexpr MetricName kCircuit{
    "spool_upstream_circuit_state",
    "1 for the present state of the circuit breaker: closed, open, half_open; 0 for the others."};
inline constexpr MetricName kCollectorSuccess{
    "spool_collector_last_success_timestamp_seconds",
    "When the background collector last read from the database what these metrics show."};
inline constexpr MetricName kBuildInfo{"spool_build_info", "What is running; always 1."};
inline constexpr MetricName kLogMessages{"spool_log_messages_total",
                                         "Log lines written, by level."};
inline constexpr MetricName kProcessCpu{"process_cpu_seconds_total",
                                        "Processor time used by the process, user and system."};
inline constexpr MetricName kProcessMemory{"process_resident_memory_bytes",
                                           "Resident memory of the process."};
inline constexpr MetricName kProcessFds{"process_open_fds",
                                        "Open file descriptors of the process."};
inline constexpr MetricName kProcessStart{"process_start_time_seconds",
                                          "Start of the process, seconds since the Unix epoch."};

}  // namespace metric
}  // namespace spool::observe
