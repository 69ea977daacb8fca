#include "tests/support/list_stage.hpp"

#include <gtest/gtest.h>

#include <cstdio>

#include "engine/crypto/sealed_box.hpp"
#include "handlers/tmdb_sessions/session_change.hpp"
#include "handlers/tmdb_sessions/session_store.hpp"

namespace spool::test {
namespace {

// Any 32 bytes will do.
constexpr const char* kSessionKey =
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

std::string data_of(const ListOperation& operation) {
  if (!operation.raw.empty()) return operation.raw;
  std::string inner;
  if (operation.movie != 0) inner = "\"movie_id\":" + std::to_string(operation.movie);
  if (!operation.name.empty()) inner = "\"name\":\"" + operation.name + "\"";
  return "{\"operation_type\":\"" + operation.type +
         "\",\"tmdb_user_id\":" + std::to_string(operation.user) + ",\"list_ref\":\"" +
         uuid_of(operation.ref) + "\",\"operation_data\":{" + inner + "}}";
}

}  // namespace

std::string uuid_of(std::int32_t ref) {
  char text[37];
  std::snprintf(text, sizeof text, "00000000-0000-4000-8000-%012d", ref);
  return text;
}

ListStage::ListStage(ListSettings settings) : settings_(std::move(settings)), standin_({"--open"}) {
  std::vector<std::string> topics{topic(), topic() + ".dlt", events_topic()};
  for (const std::string& delay : settings_.delays) topics.push_back(topic() + ".retry." + delay);
  create_topics(topics, settings_.partitions);
  const auto connection = database().connect();
  auto transaction = need(connection->begin(), "a transaction");
  for (std::int32_t user = 1; user <= settings_.users; ++user)
    log_in(*transaction, user, "user-" + std::to_string(user));
  need(transaction->commit(), "sessions");
}

void ListStage::log_in(std::int32_t user, const std::string& session_id) {
  const auto connection = database().connect();
  auto transaction = need(connection->begin(), "a transaction");
  log_in(*transaction, user, session_id);
  need(transaction->commit(), "a session");
}

void ListStage::log_in(postgres::Transaction& transaction, std::int32_t user,
                       const std::string& session_id) {
  const auto box = need(tmdb_sessions::session_box(kSessionKey, {}), "a sealing key");
  tmdb_sessions::Session session;
  session.v3_session_id = crypto::Secret(std::string(session_id));
  session.v3_account_id = user;
  need(tmdb_sessions::log_in(transaction, box, user, session, {"somebody", "a login"}),
       "a session");
}

Environment ListStage::environment(const Environment& extra) const {
  const std::string handler = "SPOOL__HANDLERS__LIST_OPERATIONS__";
  std::string delays;
  for (const std::string& delay : settings_.delays) delays += (delays.empty() ? "" : ",") + delay;
  Environment all{{"SPOOL__HANDLERS__PROGRESS_EVENTS__ENABLED", "false"},
                  {"SPOOL__CONSUMER__HEARTBEAT_INTERVAL", "500ms"},
                  {"SPOOL__CONSUMER__SESSION_TIMEOUT", "6s"},
                  {"SPOOL__CONSUMER__COMMIT_INTERVAL", "100ms"},
                  {"SPOOL__DATABASE__IDLE_IN_TRANSACTION_TIMEOUT", "2s"},
                  {"SPOOL__DATABASE__TCP_USER_TIMEOUT", "2s"},
                  {"SPOOL__KAFKA__EVENTS_TOPIC", events_topic()},
                  {"SPOOL__UPSTREAM__TMDB__BASE_URL", standin_.url() + "/3"},
                  {"SPOOL__UPSTREAM__TMDB__BASE_URL_V4", standin_.url() + "/4"},
                  {"SPOOL__UPSTREAM__TMDB__API_KEY", "standin-read-token"},
                  {"SPOOL__UPSTREAM__TMDB__SESSION_KEY", kSessionKey},
                  {"SPOOL__UPSTREAM__TMDB__RATE", "0"},
                  // Nobody else is to write operations, or to ask the service.
                  {"SPOOL__LISTS__REFRESH_INTERVAL", "0s"},
                  {"SPOOL__UPSTREAM__TMDB__TIMEOUT", "1s"},
                  {handler + "TIMEOUT", "2s"},
                  {handler + "TOPIC", topic()},
                  {handler + "GROUP", name()},
                  {handler + "RETRY__DELAYS", delays},
                  // It would wait for minutes.
                  {handler + "RETRY__CLASSES__UPSTREAM__STALLED__DELAYS", delays}};
  for (const auto& [name, value] : settings_.worker) all[name] = value;
  for (const auto& [name, value] : extra) all[name] = value;
  return all;
}

WorkerProcess& ListStage::start_worker(const Environment& extra) {
  return start(SPOOL_TESTPOINT_PROGRAM, environment(extra));
}

std::unique_ptr<WorkerProcess> ListStage::command_line(std::vector<std::string> words) {
  Environment all = environment({});
  all["SPOOL__KAFKA__BOOTSTRAP_SERVERS"] = bootstrap();
  all["SPOOL__DATABASE__URL"] = database_url();
  words.insert(words.begin(), SPOOL_TESTPOINT_PROGRAM);
  return std::make_unique<WorkerProcess>(std::move(words), all, board());
}

void ListStage::publish(const std::vector<ListOperation>& operations) {
  std::vector<GeneratedRecord> records;
  records.reserve(operations.size());
  for (const ListOperation& operation : operations) {
    GeneratedRecord record;
    record.key = std::to_string(operation.user);
    record.partition = operation.user % settings_.partitions;
    record.headers = {{"ce_specversion", "1.0"},
                      {"ce_id", operation.id},
                      {"ce_source", "urn:lists"},
                      {"ce_type", "list_operation.v1"},
                      {"content-type", "application/json"}};
    record.value = data_of(operation);
    records.push_back(std::move(record));
  }
  publish_to(topic(), records);
}

bool ListStage::wait_done(std::chrono::seconds limit) {
  const std::string end = std::to_string(end_offsets(topic(), settings_.partitions));
  return wait_true("select coalesce(sum(next_offset), 0) = " + end +
                       " and not exists (select from spool.outbox where error is null)"
                       " and not exists (select from spool.open_events where state <> 'dead')"
                       " from spool.lanes",
                   limit);
}

std::string ListStage::undone() {
  return text(
             "select coalesce(string_agg(format('%s/%s %s: %s due %s doubt %s, %s %s: %s %s',"
             " o.partition, o.number, o.event_id, o.state, o.due_at, o.doubt_until,"
             " q.operation_type, q.status, q.error_type, q.error_message), e'\\n'), 'nothing')"
             " from (select * from spool.open_events order by number limit 20) o"
             " left join media.queued_list_operations q using (source, event_id)") +
         "\nlanes: " +
         text(
             "select string_agg(format('%s next %s open %s %s', partition, next_offset, open, "
             "state),"
             " ', ' order by partition) from spool.lanes");
}

std::int64_t ListStage::operations(const std::string& status) {
  return number("select count(*) from media.queued_list_operations where status = '" + status +
                "'");
}

ListStage::Lists ListStage::mirror() {
  static constexpr postgres::Statement kMirror{
      "list_stage_mirror",
      "select l.name, i.movie_id from media.lists l left join media.user_list_items i"
      " on i.list_id = l.id where l.existence = 'exists'"};
  Lists lists;
  const auto connection = database().connect();
  const auto rows = need(connection->execute(kMirror), "the mirror");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::set<std::int64_t>& movies = lists[rows.text(i, 0)];
    if (const auto movie = rows.optional_int64(i, 1)) movies.insert(*movie);
  }
  return lists;
}

ListStage::Lists ListStage::service() {
  Lists lists;
  for (const StandinList& list : standin_.state()) {
    EXPECT_FALSE(lists.contains(list.name)) << "created twice: " << list.name;
    lists[list.name].insert(list.media_ids.begin(), list.media_ids.end());
  }
  return lists;
}

}  // namespace spool::test
