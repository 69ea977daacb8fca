// Operations on lists as users' helpers and operators handle them: with a worker that carries them
// out at a stand-in for TMDB, and, where no worker is needed, without.
#include <signal.h>

#include "tests/cli/cli_fixture.hpp"
#include "tests/tmdb/standin_process.hpp"

namespace spool::test {
namespace {

using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

using Words = std::vector<std::string>;

// The text of a member in a document of ours.
std::string member(const std::string& json, const std::string& name) {
  const std::string before = "\"" + name + "\": \"";
  const std::size_t at = json.find(before);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + before.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

class OperationsCliTest : public CliTest {
 protected:
  OperationsCliTest() {
    const std::string handler = "SPOOL__HANDLERS__LIST_OPERATIONS__";
    environment_["SPOOL__HANDLERS__PROGRESS_EVENTS__ENABLED"] = "false";
    environment_["SPOOL__KAFKA__EVENTS_TOPIC"] = topic_ + ".events";
    environment_["SPOOL__UPSTREAM__TMDB__BASE_URL"] = standin_.url() + "/3";
    environment_["SPOOL__UPSTREAM__TMDB__BASE_URL_V4"] = standin_.url() + "/4";
    environment_["SPOOL__UPSTREAM__TMDB__API_KEY"] = "standin-read-token";
    environment_["SPOOL__UPSTREAM__TMDB__SESSION_KEY"] = std::string(64, '5');
    environment_["SPOOL__LISTS__REFRESH_INTERVAL"] = "0s";
    environment_[handler + "TOPIC"] = topic_ + ".lists";
    environment_[handler + "GROUP"] = topic_;
    set_delays("10m");
  }
  ~OperationsCliTest() override {
    auto cluster = kafka::Cluster::open({variable("SPOOL__KAFKA__BOOTSTRAP_SERVERS"), "test", {}});
    if (!cluster) return;
    for (const char* suffix :
         {".events", ".lists", ".lists.dlt", ".lists.retry.10m", ".lists.retry.50ms"})
      static_cast<void>((*cluster)->delete_topic(topic_ + suffix, std::chrono::seconds(10)));
  }

  void set_delays(const std::string& delays) {
    environment_["SPOOL__HANDLERS__LIST_OPERATIONS__RETRY__DELAYS"] = delays;
  }

  void log_in(int user) {
    const StandinUser made = standin_.add_user(user);
    expect_code(
        0, {"upstream", "login", "tmdb", "--user", std::to_string(user), "--session-id-file", "-"},
        made.session_id);
  }

  // A worker that has its lanes: every broker knows the topics by then.
  std::unique_ptr<Running> start_for(int user) {
    expect_code(0, {"topics", "apply"});
    log_in(user);
    auto worker = std::make_unique<Running>(Words{"run"}, environment_);
    becomes("select count(*) > 0 from spool.lanes", "t");
    return worker;
  }

  Ended operations(const Words& words) {
    Words all = {"operations"};
    all.insert(all.end(), words.begin(), words.end());
    all.insert(all.end(), {"-o", "json"});
    return spool(all);
  }
  Ended ordered(Words words) {
    words.insert(words.end(), {"--reason", "ticket 7", "--actor", "anna"});
    return operations(words);
  }
  // Its id.
  std::string enqueue(const Words& words) {
    Words all = {"enqueue"};
    all.insert(all.end(), words.begin(), words.end());
    const Ended ended = operations(all);
    EXPECT_EQ(ended.code, 0) << ended.err;
    said_ = ended.out;
    return member(ended.out, "id");
  }
  std::string shown(const std::string& id, const std::string& name) {
    return member(operations({"show", id}).out, name);
  }
  // Whether the database answers so, by and by.
  void becomes(const std::string& sql, const std::string& wanted) {
    const auto end = steady_clock::now() + std::chrono::seconds(30);
    while (database_.value(sql) != wanted && steady_clock::now() < end) {
    }
    EXPECT_EQ(database_.value(sql), wanted) << sql;
  }
  void ends(const std::string& id, const std::string& status) {
    ASSERT_THAT(id, Not(testing::IsEmpty()));
    becomes("select status from media.queued_list_operations where id = '" + id + "'", status);
  }
  // A list at the stand-in, which the mirror knows.
  std::string list_of(int user) {
    const std::string user_id = std::to_string(user);
    ends(enqueue({"create_list", "--user", user_id, "--name", "Noir"}), "completed");
    return database_.value("select tmdb_list_id from media.lists where tmdb_user_id = " + user_id);
  }
  std::string audited() {
    return database_.value(
        "select string_agg(concat_ws(' ', action, reason, actor), '; ' order by number)"
        " from spool.audit_log where actor = 'anna' and action like '%.start'");
  }

  StandinProcess standin_;
  std::string said_;
};

TEST_F(OperationsCliTest, WhatIsEnqueuedIsCarriedOutAndShown) {
  const auto worker = start_for(42);
  const std::string created = enqueue({"create_list", "--user", "42", "--name", "Noir"});
  const std::string ref = member(said_, "list_ref");
  EXPECT_EQ(ref, created);
  EXPECT_THAT(said_, HasSubstr("\"topic\": \"" + topic_ + ".lists\""));
  ends(created, "completed");  // what is admitted together has no order among itself here
  const std::string added = enqueue({"add_movie", "--user", "42", "--ref", ref, "--movie", "550"});
  ends(added, "completed");
  ASSERT_EQ(standin_.state().size(), 1U);
  EXPECT_EQ(standin_.state()[0].name, "Noir");
  EXPECT_EQ(standin_.state()[0].media_ids, std::vector<std::int64_t>{550});
  // The same once more is the same operation.
  EXPECT_EQ(enqueue({"add_movie", "--user", "42", "--ref", ref, "--movie", "550", "--id", added}),
            added);
  const std::string later = enqueue({"add_movie", "--user", "42", "--ref", ref, "--movie", "551",
                                     "--at", "2099-01-02T03:04:05Z"});
  ends(later, "pending");
  EXPECT_THAT(
      operations({"stats", "--user", "42"}).out,
      AllOf(HasSubstr("\"completed\": 2"), HasSubstr("\"pending\": 1"), HasSubstr("\"total\": 3"),
            HasSubstr("\"scheduled\": 1"), HasSubstr("\"waiting_for_session\": 0")));
  EXPECT_THAT(operations({"pending", "42"}).out,
              AllOf(HasSubstr(later), HasSubstr("\"waits_for\": \"time\""), Not(HasSubstr(added))));
  EXPECT_THAT(operations({"list", "--status", "completed", "--limit", "1"}).out,
              AllOf(HasSubstr(added), Not(HasSubstr(created)), Not(HasSubstr("\"next\": null"))));
  EXPECT_EQ(shown(later, "scheduled_for"), "2099-01-02T03:04:05.000000Z");

  const std::string id = database_.value("select tmdb_list_id from media.lists");
  EXPECT_THAT(spool({"lists", "list", "--user", "42", "-o", "json"}).out,
              AllOf(HasSubstr("\"tmdb_list_id\": " + id), HasSubstr("\"name\": \"Noir\""),
                    HasSubstr("\"movies\": 2"), HasSubstr("\"operations\": 1")));
  for (const std::string& name : {id, ref})
    EXPECT_THAT(spool({"lists", "show", name, "-o", "json"}).out,
                AllOf(HasSubstr("{\"movie_id\": 550, \"mark\": \"settled\", \"confirmed\": true"),
                      HasSubstr("{\"movie_id\": 551, \"mark\": \"adding\", \"confirmed\": false")));
  EXPECT_THAT(spool({"lists", "show", id}).out, HasSubstr("confirmed movies  1"));

  const Ended now = ordered({"process", later});
  EXPECT_EQ(now.code, 0) << now.err;
  EXPECT_THAT(now.out, AllOf(HasSubstr("\"kind\": \"retry_now\""), HasSubstr("\"done\": 1")));
  ends(later, "completed");
  EXPECT_EQ(standin_.state()[0].media_ids, (std::vector<std::int64_t>{550, 551}));
  EXPECT_EQ(audited(), "retry_now.start ticket 7 anna");
  worker->signal(SIGTERM);
  EXPECT_EQ(worker->wait(), 0);
}

TEST_F(OperationsCliTest, WhatWaitsForTmdbCanBeCancelledAndLeavesNoTrace) {
  const auto worker = start_for(42);
  const std::string list = list_of(42);
  standin_.set_faults(R"([{"route": "list.add", "kind": "rate_limited"}])");
  const std::string first =
      enqueue({"add_movie", "--user", "42", "--list", list, "--movie", "550"});
  becomes("select retry_count > 0 from media.queued_list_operations where id = '" + first + "'",
          "t");
  const std::string second =
      enqueue({"add_movie", "--user", "42", "--list", list, "--movie", "551"});
  ends(second, "pending");
  EXPECT_EQ(shown(first, "waits_for"), "attempt");
  EXPECT_THAT(spool({"lists", "show", list, "-o", "json"}).out, HasSubstr("\"adding\""));

  const Ended dry = operations({"cancel", "--user", "42", "--type", "add_movie", "--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("\"operations\": 2"));
  EXPECT_THAT(ordered({"cancel", first}).err, HasSubstr("--yes"));
  const Ended behind = ordered({"process", second});
  EXPECT_EQ(behind.code, 5) << behind.out;
  EXPECT_THAT(behind.err, HasSubstr("waits for nothing but its turn"));
  const Ended cancelled = ordered({"cancel", "--user", "42", "--list", list, "--yes"});
  EXPECT_EQ(cancelled.code, 0) << cancelled.err;
  EXPECT_THAT(cancelled.out, AllOf(HasSubstr("\"kind\": \"cancel\""), HasSubstr("\"done\": 2")));
  ends(first, "cancelled");
  ends(second, "cancelled");
  EXPECT_THAT(spool({"lists", "show", list, "-o", "json"}).out, HasSubstr("\"items\": []"));
  EXPECT_EQ(audited(), "cancel.start ticket 7 anna");
  const Ended again = ordered({"cancel", first, "--yes"});
  EXPECT_EQ(again.code, 5);
  EXPECT_THAT(again.err, HasSubstr(first + " is cancelled"));
}

TEST_F(OperationsCliTest, WhatFailedIsBroughtBackAndCarriedOut) {
  set_delays("50ms");
  const auto worker = start_for(42);
  const std::string list = list_of(42);
  standin_.set_faults(R"([{"route": "list.add", "kind": "rate_limited"}])");
  const std::string id = enqueue({"add_movie", "--user", "42", "--list", list, "--movie", "550"});
  ends(id, "failed");
  EXPECT_THAT(operations({"failed", "--user", "42"}).out,
              AllOf(HasSubstr(id), HasSubstr("upstream.rate_limited")));
  EXPECT_EQ(shown(id, "dead_letter_id"), database_.value("select id from spool.dead_letters"));
  EXPECT_THAT(spool({"lists", "show", list, "-o", "json"}).out, HasSubstr("\"items\": []"));

  EXPECT_EQ(operations({"retry", "--type", "remove_movie", "--dry-run"}).code, 4);
  EXPECT_EQ(operations({"retry", "--type", "add_movie", "--error", "db.*", "--dry-run"}).code, 4);
  for (const Words& meant : {Words{"--type", "add_movie", "--error", "upstream.*"},
                             Words{"--user", "42"}, Words{"--all"}, Words{id}}) {
    Words words = {"retry", "--dry-run"};
    words.insert(words.end(), meant.begin(), meant.end());
    EXPECT_THAT(operations(words).out, HasSubstr("\"operations\": 1"));
  }
  EXPECT_EQ(database_.value("select count(*) from spool.commands"), "0");
  standin_.clear_faults();
  const std::string unknown = "00000000-0000-4000-8000-000000000000";
  const Ended retried = ordered({"retry", id, unknown});
  EXPECT_EQ(retried.code, 3) << retried.err;
  EXPECT_THAT(retried.err, HasSubstr(unknown + ": there is no such operation"));
  ends(id, "completed");
  EXPECT_THAT(operations({"show", id}).out,
              AllOf(HasSubstr("\"life\": 1"), HasSubstr("\"dead_letter_id\": null")));
  EXPECT_EQ(audited(), "replay.start ticket 7 anna");
  EXPECT_EQ(ordered({"retry", id}).code, 5);
  EXPECT_EQ(ordered({"retry", unknown}).code, 4);
}

TEST_F(OperationsCliTest, WithOneCallAtATimeWhatHasAHighPriorityGoesBeforeWhatIsOlder) {
  environment_["SPOOL__HANDLERS__LIST_OPERATIONS__CONCURRENCY"] = "1";
  const auto worker = start_for(42);
  expect_code(0, {"handlers", "pause", "list_operations", "--reason", "r"});
  std::vector<std::string> ids;
  for (const char* name : {"Noir", "West", "War"}) {
    ids.push_back(enqueue({"create_list", "--user", "42", "--name", name}));
    ends(ids.back(), "pending");
  }
  const Ended dry = operations({"priority", ids[2], "--to", "9", "--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("\"operations\": 1"));
  const std::string unknown = "00000000-0000-4000-8000-000000000000";
  const Ended first = ordered({"priority", ids[2], unknown, "--to", "9"});
  EXPECT_EQ(first.code, 3) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("\"kind\": \"prioritize\""), HasSubstr("\"done\": 1")));
  EXPECT_THAT(first.err, HasSubstr(unknown + ": there is no such operation"));
  EXPECT_EQ(audited(), "prioritize.start ticket 7 anna");
  EXPECT_THAT(operations({"show", ids[2]}).out, HasSubstr("\"priority\": 9"));
  EXPECT_THAT(operations({"show", ids[1]}).out, HasSubstr("\"priority\": 5"));
  expect_code(0, {"handlers", "resume", "list_operations", "--reason", "r"});
  for (const std::string& id : ids) ends(id, "completed");
  std::vector<std::string> names;
  for (const StandinEffect& effect : standin_.ledger()) names.push_back(effect.name);
  EXPECT_EQ(names, (std::vector<std::string>{"War", "Noir", "West"}));
  const Ended over = ordered({"priority", ids[0], "--to", "9"});
  EXPECT_EQ(over.code, 5) << over.out;
  EXPECT_THAT(over.err, HasSubstr(ids[0] + " is completed"));
}

TEST_F(OperationsCliTest, ManyAreToldToWaitForOthersAndWhatHasBegunIsLeftOut) {
  const auto worker = start_for(42);
  const std::string list = list_of(42);
  standin_.set_faults(R"([{"route": "list.add", "kind": "rate_limited"}])");
  const std::string failed =
      enqueue({"add_movie", "--user", "42", "--list", list, "--movie", "550"});
  becomes("select retry_count > 0 from media.queued_list_operations where id = '" + failed + "'",
          "t");
  const std::string behind =
      enqueue({"add_movie", "--user", "42", "--list", list, "--movie", "551"});
  ends(behind, "pending");
  const Ended all = ordered({"priority", "--type", "add_movie", "--to", "0"});
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_THAT(all.out, HasSubstr("\"done\": 2"));
  becomes(
      "select string_agg(concat_ws(' ', state, priority), ', ' order by number)"
      " from spool.open_events",
      "head 0, parked 0");
  database_.execute("update spool.open_events set doubt_until = now() where state = 'head'");
  const Ended rest = ordered({"priority", failed, behind, "--to", "7"});
  EXPECT_EQ(rest.code, 3) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr(failed + ": its call has begun"));
  const Ended of_user = ordered({"priority", "--user", "42", "--to", "8"});
  EXPECT_EQ(of_user.code, 0) << of_user.err;
  EXPECT_THAT(of_user.out, AllOf(HasSubstr("\"done\": 1"), HasSubstr("\"skipped\": 1")));
  EXPECT_EQ(database_.value("select string_agg(priority::text, ' ' order by position)"
                            " from media.queued_list_operations where status = 'pending'"),
            "0 8");
}

TEST_F(OperationsCliTest, WrongUseIsRefusedAndPublishesNothing) {
  const std::string enqueue = "enqueue";
  expect_usage({"operations", enqueue, "burn_list", "--user", "1"}, "is none of create_list");
  expect_usage({"operations", enqueue, "delete_list", "--list", "1"}, "--user N is needed");
  expect_usage({"operations", enqueue, "create_list", "--user", "1"}, "operation_data.name");
  expect_usage({"operations", enqueue, "add_movie", "--user", "1", "--list", "2"}, "--movie");
  expect_usage({"operations", "retry", "--reason", "r"}, "say which");
  expect_usage({"operations", "retry", "--all", "--user", "7", "--reason", "r"}, "one of them");
  expect_usage({"operations", "process", "noir", "--reason", "r"}, "not the id of an operation");
  expect_usage({"operations", "process", "--all"}, "--reason TEXT is needed");
  expect_usage({"operations", "priority", "--all", "--reason", "r"}, "--to N is needed");
  expect_usage({"operations", "priority", "--all", "--to", "10", "--reason", "r"}, "to");
  expect_usage({"operations", "priority", "--to", "1", "--reason", "r"}, "say which");
  expect_usage({"operations", "list", "--cursor", "x"}, "no cursor of a list of operations");
  expect_usage({"operations", "list", "--list", "noir"}, "--list: \"noir\"");
  expect_usage({"operations", "show", "noir"}, "not the id of an operation");
  expect_usage({"lists", "list"}, "--user N is needed");
  expect_usage({"lists", "show", "noir"}, "ID: \"noir\"");
  expect_code(4, {"operations", "show", "00000000-0000-4000-8000-000000000000"});
  expect_code(4, {"operations", "process", "--all", "--reason", "r"});
  expect_code(4, {"operations", "cancel", "--user", "7", "--reason", "r"});
  expect_code(4, {"lists", "show", "1"});
  for (const std::string verb : {"refresh", "verify", "repair"}) {
    expect_usage({"lists", verb}, "say which");
    expect_usage({"lists", verb, "--all", "--user", "7"}, "one of them");
    expect_usage({"lists", verb, "--all", "1"}, "one of them");
    expect_usage({"lists", verb, "noir"}, "LIST: \"noir\"");
    expect_usage({"lists", verb, "1", "--timeout", "soon"}, "--timeout: ");
    expect_code(4, {"lists", verb, "1", "--dry-run"});
  }
  expect_usage({"lists", "refresh", "1"}, "--reason TEXT is needed");
  expect_usage({"lists", "repair", "1"}, "--reason TEXT is needed");
  const Ended no_topic =
      spool({"operations", enqueue, "delete_list", "--user", "1", "--list", "2"});
  EXPECT_EQ(no_topic.code, 4);
  EXPECT_THAT(no_topic.err, HasSubstr("spool topics apply"));
  EXPECT_THAT(spool({"operations", "list"}).out, HasSubstr("no operation"));
  EXPECT_EQ(database_.value("select count(*) from spool.commands"), "0");
}

}  // namespace
}  // namespace spool::test
