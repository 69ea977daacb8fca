// The story: users' local lists move to TMDB while workers are killed. In the end each list is
// there once, with its movies, and has been compared. What is rolled back is gone from TMDB, and
// what the user had there before is not. And a list that is brought as a file, twice, is one list.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "tests/support/list_stage.hpp"

namespace spool::test {
namespace {

constexpr int kUsers = 3;
constexpr int kLists = 3;
constexpr int kMovies = 12;

std::string list_name(int user, int list) {
  return "u" + std::to_string(user) + " l" + std::to_string(list);
}

class Story {
 public:
  Story() : stage_(ListSettings{.users = kUsers}) {}

  // Of each user some lists here and one at TMDB.
  void begin() {
    std::vector<ListOperation> own;
    for (int user = 1; user <= kUsers; ++user) {
      const std::string id = "own " + std::to_string(user);
      own.push_back({.id = id, .type = "create_list", .user = user, .ref = user, .name = id});
      own_[id] = {};
      expected_[id] = {};
      for (int list = 1; list <= kLists; ++list) {
        stage_.database().execute(
            "with l as (insert into media.local_lists (user_id, name) values (" +
            std::to_string(user) + ", '" + list_name(user, list) +
            "') returning id) insert into media.local_list_items (list_id, position, movie_id)"
            " select l.id, n * 10, 100 + n from l, generate_series(1, " +
            std::to_string(kMovies) + ") n");
        for (int movie = 1; movie <= kMovies; ++movie)
          expected_[list_name(user, list)].insert(100 + movie);
      }
    }
    stage_.publish(own);
  }

  void command(std::vector<std::string> words, int code = 0) {
    words.insert(words.begin(), "lists");
    words.insert(words.end(), {"--reason", "a story"});
    auto command = stage_.command_line(words);
    EXPECT_EQ(command->wait_exit(), code) << command->tail();
  }

  // A worker that is killed once so many operations have been carried out.
  void work_until(int operations) {
    WorkerProcess& worker = stage_.start_worker();
    EXPECT_TRUE(stage_.wait_true("select count(*) >= " + std::to_string(operations) +
                                 " from media.queued_list_operations where status = 'completed'"))
        << stage_.undone() << stage_.logs();
    worker.kill();
  }

  bool all_are(const std::string& state) {
    return stage_.wait_true("select count(*) = " + std::to_string(kUsers) +
                            " from media.list_migrations where state = '" + state + "'");
  }
  std::string migrations() {
    return stage_.text(
               "select string_agg(to_jsonb(m)::text, e'\\n') from media.list_migrations m") +
           "\n" +
           stage_.text(
               "select string_agg(to_jsonb(l)::text, e'\\n') from media.list_migration_lists l");
  }

  ListStage& stage() { return stage_; }
  const ListStage::Lists& expected() const { return expected_; }
  const ListStage::Lists& own() const { return own_; }

 private:
  ListStage stage_;
  ListStage::Lists expected_;
  ListStage::Lists own_;
};

TEST(ListMigration, EndsWithEachListOnceWhoeverIsKilled) {
  Story story;
  ListStage& stage = story.stage();
  story.begin();
  for (int user = 1; user <= kUsers; ++user)
    story.command({"migrate", "start", "--user", std::to_string(user), "--consent"});
  story.work_until(kUsers + 2);
  story.work_until(kUsers * (1 + kLists) + 20);
  stage.start_worker();
  ASSERT_TRUE(story.all_are("done")) << story.migrations() << stage.undone() << stage.logs();
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();
  EXPECT_EQ(stage.service(), story.expected());
  EXPECT_EQ(stage.mirror(), story.expected());
  EXPECT_EQ(stage.number("select count(*) from media.local_lists where moved_at is not null"),
            kUsers * kLists);
  EXPECT_EQ(stage.operations("completed"),
            kUsers + kUsers * kLists * (1 + kMovies + 1));  // and none of them twice
  stage.expect_conserved();

  for (int user = 1; user <= kUsers; ++user)
    story.command({"migrate", "rollback", "--user", std::to_string(user), "--yes"});
  ASSERT_TRUE(story.all_are("rolled_back")) << story.migrations() << stage.logs();
  EXPECT_EQ(stage.service(), story.own());
  EXPECT_EQ(stage.number("select count(*) from media.local_lists where moved_at is null"),
            kUsers * kLists);
  stage.expect_conserved();
}

TEST(ListImport, AFileThatIsBroughtTwiceIsOneList) {
  Story story;
  ListStage& stage = story.stage();
  const std::string file = testing::TempDir() + stage.name() + ".csv";
  std::ofstream(file) << "Title,tmdb_id\r\n\"Heat, the\",949\r\nno film,x\r\nSeven,807\r\n";
  for (int i = 0; i < 2; ++i) story.command({"import", file, "--user", "1", "--name", "noir"}, 3);
  stage.start_worker();
  ASSERT_TRUE(stage.wait_done()) << stage.undone() << stage.logs();
  const ListStage::Lists expected{{"noir", {949, 807}}};
  EXPECT_EQ(stage.service(), expected);
  EXPECT_EQ(stage.mirror(), expected);
  EXPECT_EQ(stage.operations("completed"), 3);
  const std::string id = stage.text("select tmdb_list_id from media.lists");
  auto exported = stage.command_line({"lists", "export", id, "--format", "csv"});
  EXPECT_EQ(exported->wait_exit(), 0) << exported->tail();
  EXPECT_TRUE(exported->says({"949,1,"}) && exported->says({"807,2,"})) << exported->tail();
  static_cast<void>(std::remove(file.c_str()));
}

}  // namespace
}  // namespace spool::test
