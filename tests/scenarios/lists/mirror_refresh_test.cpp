// The story: others work on the users' lists at TMDB, with operations of ours waiting meanwhile.
// Comparing says what differs and changes nothing; a refresh takes it over, with what waits on top;
// and when that is carried out, mirror and service are the same. A list that was deleted there is
// gone. Lists that nobody asks for are read by themselves.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "tests/support/list_stage.hpp"

namespace spool::test {
namespace {

constexpr int kMovies = 25;  // more than a page
constexpr const char* kLater = ",\"scheduled_for\":\"2099-01-01T00:00:00Z\"}";

class Story {
 public:
  Story() = default;
  explicit Story(const Environment& worker) : stage_(ListSettings{.worker = worker}) {}

  // Two lists of ours; only the first one has movies.
  void begin() {
    std::vector<ListOperation> all{{.id = "c1", .type = "create_list", .ref = 1, .name = "noir"},
                                   {.id = "c2", .type = "create_list", .ref = 2, .name = "west"}};
    for (int movie = 1; movie <= kMovies; ++movie)
      all.push_back(
          {.id = "a" + std::to_string(movie), .type = "add_movie", .ref = 1, .movie = movie});
    stage_.publish(all);
    stage_.start_worker();
    ASSERT_TRUE(stage_.wait_done()) << stage_.undone() << stage_.logs();
    noir_ = id_of(1);
    west_ = id_of(2);
    ASSERT_EQ(stage_.mirror(), stage_.service());
  }

  std::string id_of(int ref) {
    return stage_.text("select tmdb_list_id from media.lists where list_ref = '" + uuid_of(ref) +
                       "'");
  }

  // Somebody else, on TMDB's web site.
  void others(const std::string& list, const std::string& verb, const std::string& body = "{}") {
    stage_.standin().control("POST", "/_standin/lists/" + list + "/" + verb, body);
  }
  void others_work_on_noir() {
    others(noir_, "add", R"({"media_id":900})");
    others(noir_, "remove", R"({"media_id":1})");
    others(noir_, "remove", R"({"media_id":2})");
    others(noir_, "update", R"({"name":"film noir"})");
  }

  std::unique_ptr<WorkerProcess> lists(std::vector<std::string> words, int code) {
    words.insert(words.begin(), "lists");
    words.insert(words.end(), {"-o", "jsonl"});
    auto command = stage_.command_line(words);
    const auto ended = command->wait_exit();
    EXPECT_EQ(ended, code) << command->tail() << stage_.undone() << stage_.logs();
    return command;
  }

  std::int64_t requests(const std::string& route) {
    return std::ranges::count(stage_.standin().requests(), route, &StandinRequest::route);
  }

  std::string mirror_of(const std::string& list) {
    return stage_.text(
        "select concat_ws(' ', l.existence, l.name, l.complete, l.sync_status, (select"
        " string_agg(i.movie_id::text, ',' order by i.position) from media.user_list_items i"
        " where i.list_id = l.id and i.movie_id not between 4 and 24)) from media.lists l"
        " where l.tmdb_list_id = " +
        list);
  }
  std::string shown() {
    return stage_.text(
        "select string_agg(movie_id || case mark when 'settled' then '' else mark end, ' '"
        " order by place) from media.shown_list_items where movie_id not between 4 and 24");
  }

  ListStage& stage() { return stage_; }

  std::string noir_;
  std::string west_;

 private:
  ListStage stage_;
};

TEST(MirrorRefresh, WhatOthersDoIsSeenAndTakenOverUnderWhatWaits) {
  Story story;
  ASSERT_NO_FATAL_FAILURE(story.begin());
  ListStage& stage = story.stage();
  const std::string of_noir = ",\"tmdb_user_id\":1,\"tmdb_list_id\":" + story.noir_;
  stage.publish({{.id = "w1",
                  .type = "add_movie",
                  .raw = R"({"operation_type":"add_movie","operation_data":{"movie_id":901})" +
                         of_noir + kLater},
                 {.id = "w2",
                  .type = "remove_movie",
                  .raw = R"({"operation_type":"remove_movie","operation_data":{"movie_id":3})" +
                         of_noir + kLater}});
  ASSERT_TRUE(
      stage.wait_true("select count(*) = 2 from media.queued_list_operations"
                      " where status = 'pending'"))
      << stage.undone();
  story.others_work_on_noir();
  EXPECT_EQ(story.shown(), "1 2 3removing 25 901adding");

  // Compared: said, and left as it is.
  const std::int64_t pages = story.requests("list.get");
  const auto verified = story.lists({"verify", story.noir_, story.west_, "--exit-code"}, 8);
  EXPECT_EQ(story.requests("list.get") - pages, 3) << "two pages and one";
  EXPECT_TRUE(verified->says({"\"tmdb_list_id\": " + story.noir_, "\"outcome\": \"different\"",
                              "\"fields\": [\"name\"]", "\"only_in_mirror\": [1, 2]",
                              "\"only_at_tmdb\": [900]"}))
      << verified->tail();
  EXPECT_TRUE(verified->says({"\"tmdb_list_id\": " + story.west_, "\"outcome\": \"same\""}));
  EXPECT_EQ(story.mirror_of(story.noir_), "exists noir t never 1,2,3,25");
  const auto dry = story.lists({"repair", "--all", "--dry-run"}, 0);
  EXPECT_TRUE(dry->says({"\"outcome\": \"different\""})) << dry->tail();
  EXPECT_EQ(story.mirror_of(story.noir_), "exists noir t never 1,2,3,25");

  // Taken over, and only where it differs.
  const auto repaired =
      story.lists({"repair", "--all", "--reason", "the story", "--actor", "anna", "--yes"}, 0);
  EXPECT_TRUE(repaired->says({"\"tmdb_list_id\": " + story.noir_, "\"outcome\": \"changed\""}))
      << repaired->tail();
  EXPECT_TRUE(repaired->says({"\"tmdb_list_id\": " + story.west_, "\"outcome\": \"same\""}));
  EXPECT_EQ(story.mirror_of(story.noir_), "exists film noir t synced 3,25,900");
  EXPECT_EQ(story.mirror_of(story.west_), "exists west t never");
  EXPECT_EQ(story.shown(), "3removing 25 900 901adding") << "what waits is on top";
  EXPECT_EQ(stage.text("select concat_ws(' ', actor, action, subject, reason, detail)"
                       " from spool.audit_log where action like 'lists.%'"),
            "anna lists.repair all the story {\"lists\": 1}");
  EXPECT_EQ(stage.mirror(), stage.service());
  story.lists({"verify", "--user", "1", "--exit-code"}, 0);

  const auto process = stage.command_line({"operations", "process", "--all", "--reason", "story"});
  EXPECT_EQ(process->wait_exit(), 0) << process->tail();
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();
  EXPECT_EQ(story.mirror_of(story.noir_), "exists film noir t synced 25,900,901");
  EXPECT_EQ(stage.mirror(), stage.service());
  stage.expect_conserved();
}

TEST(MirrorRefresh, AListThatWasDeletedThereIsGone) {
  Story story;
  ASSERT_NO_FATAL_FAILURE(story.begin());
  ListStage& stage = story.stage();
  story.others(story.noir_, "delete");
  const auto refreshed = story.lists(
      {"refresh", story.noir_, uuid_of(2), "--reason", "the story", "--wait", "--timeout", "1m"},
      0);
  EXPECT_TRUE(refreshed->says(
      {"\"tmdb_list_id\": " + story.noir_, "\"outcome\": \"changed\"", "\"existence\": \"gone\""}))
      << refreshed->tail();
  EXPECT_EQ(story.mirror_of(story.noir_), "gone t synced");
  EXPECT_EQ(stage.mirror(), stage.service());
  story.lists({"verify", story.noir_}, 4);
  ASSERT_TRUE(stage.wait_done()) << stage.undone();
  std::map<std::string, int> told;
  for (const TopicRecord& record : stage.read_topic(stage.events_topic(), 8)) {
    if (record.header("ce_type") != "list.synced.v1") continue;
    const bool gone = record.value.value_or("").find("\"exists\":false") != std::string::npos;
    ++told[record.header("ce_subject") + (gone ? " gone" : " exists")];
  }
  EXPECT_EQ(told,
            (std::map<std::string, int>{{story.noir_ + " gone", 1}, {story.west_ + " exists", 1}}));
}

TEST(MirrorRefresh, AReadingThatFailsIsTriedAgain) {
  Story story(Environment{{"SPOOL__BREAKER__FAILURES", "0"}});
  ASSERT_NO_FATAL_FAILURE(story.begin());
  ListStage& stage = story.stage();
  story.others_work_on_noir();
  stage.standin().set_faults(
      R"([{"route": "list.get", "kind": "status", "code": 9, "skip": 1, "count": 2}])");
  story.lists({"refresh", story.noir_, "--reason", "the story", "--wait"}, 0);
  EXPECT_GT(stage.number("select max(retry_count) from media.queued_list_operations"), 0);
  EXPECT_EQ(story.mirror_of(story.noir_), "exists film noir t synced 3,25,900");
  EXPECT_EQ(stage.mirror(), stage.service());
}

// A reading whose worker dies leaves no trace there: it is made again, and nobody asks first.
TEST(MirrorRefresh, AReadingWhoseWorkerDiesIsMadeAgain) {
  Story story(Environment{{"SPOOL__KAFKA__GROUP_INSTANCE_ID", "worker-1"}});
  ASSERT_NO_FATAL_FAILURE(story.begin());
  ListStage& stage = story.stage();
  story.others_work_on_noir();
  stage.standin().set_faults(R"([{"route": "list.get", "kind": "latency_ms", "ms": 900}])");
  story.lists({"refresh", story.noir_, "--reason", "the story"}, 0);
  ASSERT_TRUE(stage.wait_until([&] { return story.requests("list.get") == 1; })) << stage.logs();
  EXPECT_EQ(story.mirror_of(story.noir_), "exists noir t running 1,2,3,25");
  stage.workers().back()->kill();
  stage.standin().clear_faults();
  const std::int64_t before = story.requests("list.get");
  stage.start_worker();
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();
  EXPECT_EQ(story.requests("list.get") - before, 2) << "its pages, once";
  EXPECT_EQ(story.mirror_of(story.noir_), "exists film noir t synced 3,25,900");
  EXPECT_EQ(stage.mirror(), stage.service());
}

TEST(MirrorRefresh, WhoeverAsksNeedNotWait) {
  Story story;
  ASSERT_NO_FATAL_FAILURE(story.begin());
  ListStage& stage = story.stage();
  stage.workers().back()->kill();
  const auto late = story.lists({"verify", story.noir_, "--timeout", "100ms"}, 3);
  EXPECT_TRUE(late->says({"\"outcome\": \"waiting\""})) << late->tail();

  const auto asked = stage.command_line({"lists", "verify", story.noir_, "-o", "jsonl"});
  ASSERT_TRUE(
      stage.wait_true("select count(*) > 0 from pg_stat_activity where"
                      " datname = current_database() and query like '%r.details ->>%'"
                      " and pid <> pg_backend_pid()"))
      << asked->tail();
  asked->signal(SIGINT);
  EXPECT_EQ(asked->wait_exit(), 130);
  EXPECT_TRUE(asked->says({"\"outcome\": \"waiting\""})) << asked->tail();

  const auto unknown = story.lists({"refresh", story.noir_, "77", "--reason", "the story"}, 3);
  EXPECT_TRUE(unknown->says({"77: no such list is known"})) << unknown->tail();
  stage.start_worker();
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();
  EXPECT_EQ(stage.number("select count(*) from media.queued_list_operations"
                         " where operation_type = 'refresh_list' and details is not null"),
            1)
      << "one reading for all of them";
  EXPECT_EQ(story.mirror_of(story.noir_), "exists noir t synced 1,2,3,25");
}

TEST(MirrorRefresh, ListsAreReadByThemselvesWhenTheirTimeHasCome) {
  Story story(Environment{{"SPOOL__LISTS__REFRESH_INTERVAL", "24h"}});
  ASSERT_NO_FATAL_FAILURE(story.begin());
  ListStage& stage = story.stage();
  // Whatever the first run of the duty has found; none is due any more.
  ASSERT_TRUE(stage.wait_true("select version >= 1 from spool.duties where duty = 'refresh'"));
  ASSERT_TRUE(stage.wait_done()) << stage.undone();
  story.others_work_on_noir();
  stage.database().execute(
      "update media.lists set last_synced_at = now() - interval '25 hours' where tmdb_list_id = " +
      story.noir_ +
      "; update media.lists set last_synced_at = now() where tmdb_list_id = " + story.west_ +
      "; delete from media.queued_list_operations where operation_type = 'refresh_list';"
      " update spool.duties set done_at = done_at - interval '1 hour' where duty = 'refresh'");
  ASSERT_TRUE(stage.wait_true("select name = 'film noir' from media.lists where tmdb_list_id = " +
                              story.noir_))
      << stage.undone() << stage.logs();
  EXPECT_EQ(stage.mirror(), stage.service());
}

}  // namespace
}  // namespace spool::test
