#include "tests/support/drill_stage.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <tuple>

#include "engine/base/uuid.hpp"
#include "engine/store/operator_commands.hpp"

namespace spool::test {
namespace {

constexpr const char* kAllHandlers[] = {"drill", "drill_inbox", "drill_flaky"};

constexpr const char* kTable =
    "create schema drill;"
    "create table drill.effects ("
    " serial bigserial primary key, handler text not null, source text not null,"
    " event_id text not null, n bigint not null constraint effects_n check (n >= 0),"
    " order_key text not null, life int not null, attempt int not null, worker int not null,"
    " attempted_us bigint not null, applied_at timestamptz not null default clock_timestamp());"
    "create unique index effects_once on drill.effects (handler, source, event_id)"
    " where handler <> 'drill_inbox'";

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string word(std::chrono::milliseconds delay) {
  return delay.count() % 1000 == 0 ? std::to_string(delay.count() / 1000) + "s"
                                   : std::to_string(delay.count()) + "ms";
}

void add(std::string& json, const char* name, const std::string& value) {
  json += std::string(",\"") + name + "\":" + value;
}

std::string json_of(const DrillEvent& event) {
  std::string json = "{\"n\":" + std::to_string(event.n);
  add(json, "key", "\"" + event.key + "\"");
  if (event.fail != 0) add(json, "fail", std::to_string(event.fail));
  if (!event.how.empty()) add(json, "how", "\"" + event.how + "\"");
  if (!event.type.empty()) add(json, "type", "\"" + event.type + "\"");
  if (event.lives) add(json, "lives", std::to_string(*event.lives));
  if (event.after_ms) add(json, "after_ms", std::to_string(*event.after_ms));
  if (event.scheduled_us) add(json, "scheduled_us", std::to_string(*event.scheduled_us));
  return json + "}";
}

std::string quoted(const std::string& text) {
  return "'" + text + "'";
}

}  // namespace

std::int32_t partition_of(const std::string& key, std::int32_t partitions) {
  return static_cast<std::int32_t>(std::hash<std::string>{}(key) %
                                   static_cast<std::size_t>(partitions));
}

GeneratedRecord record_of(const DrillEvent& event, std::int32_t partitions) {
  GeneratedRecord record;
  record.key = event.key;
  record.partition = partition_of(event.key, partitions);
  record.headers = {{"ce_specversion", "1.0"},
                    {"ce_id", event.id},
                    {"ce_source", event.source},
                    {"ce_type", "drill.v1"},
                    {"content-type", "application/json"}};
  record.value = json_of(event);
  return record;
}

DrillStage::DrillStage(DrillSettings settings) : settings_(std::move(settings)) {
  std::string folder = (std::filesystem::temp_directory_path() / "spool-drill.XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = folder;
  std::vector<std::string> topics;
  for (const std::string& handler : settings_.handlers) {
    topics.push_back(topic(handler));
    topics.push_back(dead_letter_topic(handler));
    std::set<std::string> retries;  // rungs of one length share a topic
    for (std::size_t rung = 0; rung < settings_.delays.size(); ++rung)
      retries.insert(retry_topic(rung, handler));
    topics.insert(topics.end(), retries.begin(), retries.end());
  }
  create_topics(topics, settings_.partitions);
  need(database().connect()->execute_script(kTable), "the drill's table");
}

DrillStage::~DrillStage() {
  workers().clear();
  std::filesystem::remove_all(folder_);
}

std::string DrillStage::path(const char* file) const {
  return folder_ + "/" + file;
}

std::string DrillStage::topic(const std::string& handler) const {
  return name() + "." + handler;
}

std::string DrillStage::dead_letter_topic(const std::string& handler) const {
  return topic(handler) + ".dlt";
}

std::string DrillStage::retry_topic(std::size_t rung, const std::string& handler) const {
  return topic(handler) + ".retry." + word(settings_.delays.at(rung));
}

std::int64_t DrillStage::ladder() const {
  return static_cast<std::int64_t>(settings_.delays.size()) + 1;
}

Environment DrillStage::worker_environment() const {
  Environment environment{{"SPOOL__HANDLERS__PROGRESS_EVENTS__ENABLED", "false"},
                          {"SPOOL__CONSUMER__HEARTBEAT_INTERVAL", "500ms"},
                          {"SPOOL__CONSUMER__SESSION_TIMEOUT", "6s"},
                          {"SPOOL__DATABASE__IDLE_IN_TRANSACTION_TIMEOUT", "2s"},
                          {"SPOOL__DATABASE__TCP_USER_TIMEOUT", "2s"},
                          {"SPOOL__KAFKA__EVENTS_TOPIC", ""},
                          {"DRILL_ATTEMPTS", path("attempts")},
                          {"DRILL_DOWN", path("down")}};
  std::string delays;
  for (const auto delay : settings_.delays)
    delays += (delays.empty() ? "" : ",") + std::to_string(delay.count()) + "ms";
  for (const std::string handler : kAllHandlers) {
    const std::string prefix = "SPOOL__HANDLERS__" + upper(handler) + "__";
    const bool runs = std::count(settings_.handlers.begin(), settings_.handlers.end(), handler) > 0;
    environment[prefix + "ENABLED"] = runs ? "true" : "false";
    environment[prefix + "TOPIC"] = topic(handler);
    environment[prefix + "GROUP"] = topic(handler);
    environment[prefix + "RETRY__DELAYS"] = delays;
  }
  return environment;
}

WorkerProcess& DrillStage::start_worker(const Environment& extra) {
  Environment environment = worker_environment();
  for (const auto& [name, value] : settings_.worker) environment[name] = value;
  for (const auto& [name, value] : extra) environment[name] = value;
  return start(SPOOL_DRILL_PROGRAM, environment);
}

std::unique_ptr<WorkerProcess> DrillStage::command_line(std::vector<std::string> words) {
  Environment environment = worker_environment();
  for (const auto& [name, value] : settings_.worker) environment[name] = value;
  environment["SPOOL__KAFKA__BOOTSTRAP_SERVERS"] = bootstrap();
  environment["SPOOL__DATABASE__URL"] = database_url();
  words.insert(words.begin(), SPOOL_DRILL_PROGRAM);
  return std::make_unique<WorkerProcess>(std::move(words), environment, board());
}

void DrillStage::publish(const std::vector<DrillEvent>& events, const std::string& handler) {
  std::vector<GeneratedRecord> records;
  records.reserve(events.size());
  for (const DrillEvent& event : events) records.push_back(record_of(event, settings_.partitions));
  publish_to(topic(handler), records);
}

bool DrillStage::wait_settled(std::chrono::seconds limit) {
  std::int64_t end = 0;
  for (const std::string& handler : settings_.handlers)
    end += end_offsets(topic(handler), settings_.partitions);
  return wait_true("select coalesce(sum(next_offset) = " + std::to_string(end) +
                       " and sum(open) = 0, false)"
                       " and not exists (select from spool.outbox where error is null)"
                       " from spool.lanes",
                   limit);
}

std::int64_t DrillStage::applied(const std::string& handler) {
  return number("select count(*) from drill.effects where handler = " + quoted(handler));
}

bool DrillStage::wait_applied(std::int64_t events, const std::string& handler,
                              std::chrono::seconds limit) {
  return wait_until([&] { return applied(handler) >= events; }, limit);
}

std::int64_t DrillStage::dead(const std::string& state, const std::string& handler) {
  return number("select count(*) from spool.dead_letters where state = " + quoted(state) +
                " and handler = " + quoted(handler));
}

History DrillStage::history(const std::vector<DrillEvent>& produced, const std::string& handler) {
  History history;
  history.ladder = ladder();
  for (const DrillEvent& event : produced)
    history.produced.push_back({{event.source, event.id}, event.key, event.fail});
  const std::string sql =
      "select source, event_id, life, attempt, attempted_us,"
      " (extract(epoch from applied_at) * 1000000)::bigint from drill.effects where handler = " +
      quoted(handler) + " order by serial";
  const auto rows = need(database().connect()->execute({"effects", sql.c_str()}), "effects");
  for (std::size_t r = 0; r < rows.size(); ++r)
    history.effects.push_back({{rows.text(r, 0), rows.text(r, 1)},
                               static_cast<std::int32_t>(rows.int64(r, 2)),
                               static_cast<std::int32_t>(rows.int64(r, 3)),
                               rows.int64(r, 4),
                               rows.int64(r, 5)});
  std::set<std::tuple<std::string, std::string, std::string>> published;
  for (const TopicRecord& record : read(dead_letter_topic(handler))) {
    const EventName name{record.header("ce_source"), record.header("ce_id")};
    const std::string life = record.header("spool-life");
    // Acknowledgements that were not noted down: the same record again.
    if (!published.emplace(name.first, name.second, life).second) continue;
    history.deaths.push_back(
        {name, std::atoi(life.c_str()), std::atoi(record.header("spool-attempt").c_str())});
  }
  std::ifstream file(path("attempts"));
  for (std::string line; std::getline(file, line);) {
    std::istringstream columns(line);
    std::string by;
    Attempted attempted;
    std::getline(columns, by, '\t');
    std::getline(columns, attempted.name.first, '\t');
    std::getline(columns, attempted.name.second, '\t');
    std::int64_t process = 0;
    columns >> attempted.life >> attempted.attempt >> process >> attempted.at_us >>
        attempted.not_before_us;
    if (by == handler) history.attempted.push_back(attempted);
  }
  return history;
}

std::vector<base::Uuid> DrillStage::command(Command kind, const std::string& key) {
  constexpr delivery::CommandKind kKinds[] = {
      delivery::CommandKind::replay, delivery::CommandKind::discard,
      delivery::CommandKind::retry_now, delivery::CommandKind::cancel};
  store::CommandRequest request;
  request.kind = kKinds[static_cast<std::size_t>(kind)];
  if (!key.empty()) request.filter.key = key;
  const auto connection = database().connect();
  const auto given =
      need(store::give_commands(*connection, request, {"operator", "a drill"}), "command");
  std::vector<base::Uuid> ids;
  for (const store::GivenCommand& command : given) ids.push_back(command.id);
  return ids;
}

bool DrillStage::wait_finished(const std::vector<base::Uuid>& commands) {
  return std::all_of(commands.begin(), commands.end(), [&](const base::Uuid& id) {
    return wait_true("select state = 'finished' from spool.commands where id = " +
                     quoted(base::to_string(id)));
  });
}

void DrillStage::service_down(bool down) {
  if (down) {
    std::ofstream(path("down")) << "down\n";
  } else {
    std::filesystem::remove(path("down"));
  }
}

}  // namespace spool::test
