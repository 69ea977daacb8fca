#include "handlers/local_lists/list_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spool::local_lists {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ListFile read(std::string_view text, std::optional<FileFormat> format = {}) {
  auto file = read_list_file(text, format);
  EXPECT_TRUE(file.ok()) << file.failure().text;
  return file.ok() ? std::move(file).value() : ListFile{};
}

std::string refusal(std::string_view text, std::optional<FileFormat> format = {}) {
  const auto file = read_list_file(text, format);
  EXPECT_FALSE(file.ok());
  return file.ok() ? "" : file.failure().text;
}

std::vector<std::int32_t> movies(const ListFile& file) {
  std::vector<std::int32_t> ids;
  for (const FileMovie& one : file.movies) ids.push_back(one.movie_id);
  return ids;
}

std::vector<std::string> problems(const ListFile& file) {
  std::vector<std::string> texts;
  for (const FileProblem& one : file.problems)
    texts.push_back(one.place + ": " + one.field + ": " + one.why);
  return texts;
}

TEST(ListFile, TheHeaderSaysWhichColumnIsWhich) {
  EXPECT_THAT(movies(read("movie_id,position,added_at\r\n550,1,\r\n551,2,\r\n")),
              ElementsAre(550, 551));
  EXPECT_THAT(movies(read("\xEF\xBB\xBFTitle, TMDB_ID\n\"Seven, or so\",\"807\"\nHeat,949")),
              ElementsAre(807, 949));
  EXPECT_THAT(movies(read("tmdb_id,movie_id\n1,2\n")), ElementsAre(2));
}

TEST(ListFile, PositionsGiveTheOrderWhereAllHaveOne) {
  EXPECT_THAT(movies(read("movie_id,position\n1,30\n2,10\n3,20\n")), ElementsAre(2, 3, 1));
  EXPECT_THAT(movies(read("movie_id,position\n1,30\n2,\n3,20\n")), ElementsAre(1, 2, 3));
}

TEST(ListFile, WhatIsWrongIsToldAndTheOthersAreTaken) {
  const ListFile file = read(
      "movie_id,position,added_at\n550,1,\nnoir,2,\n0,3,\n,4,\n551,x,\n552,5,yesterday\n"
      "550,6,\n2147483648,7,\n553,8,2026-01-02T03:04:05Z\n");
  EXPECT_THAT(movies(file), ElementsAre(550, 553));
  EXPECT_EQ(file.movies[1].added_at, base::parse_rfc3339("2026-01-02T03:04:05Z"));
  EXPECT_THAT(
      problems(file),
      ElementsAre("line 3: movie_id: \"noir\" is not the id of a movie",
                  "line 4: movie_id: \"0\" is not the id of a movie",
                  "line 5: movie_id: \"\" is not the id of a movie",
                  "line 6: position: \"x\" is not a whole number",
                  "line 7: added_at: \"yesterday\" is not a time such as 2026-01-02T03:04:05Z",
                  "line 8: movie_id: 550 stands there already: line 2",
                  "line 9: movie_id: \"2147483648\" is not the id of a movie"));
}

TEST(ListFile, AQuoteThatNeverEndsTakesTheRestWithIt) {
  const ListFile file = read("movie_id\n550\n\"551\n552\n");
  EXPECT_THAT(movies(file), ElementsAre(550));
  EXPECT_THAT(problems(file), ElementsAre(HasSubstr("line 3: line: a quote begins there")));
}

TEST(ListFile, WhatIsNoListIsRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal("title,year\nHeat,1995\n"), HasSubstr("no column movie_id or tmdb_id"));
  EXPECT_THAT(refusal("{\"movies\": ["), HasSubstr("not JSON"));
  EXPECT_THAT(refusal("[]", FileFormat::json), HasSubstr("not a JSON object"));
  EXPECT_THAT(refusal("{}"), HasSubstr("movies: an array"));
  EXPECT_THAT(refusal(R"({"name": 7, "movies": []})"), HasSubstr("name: not a text"));
  EXPECT_THAT(refusal(R"({"public": "yes", "movies": []})"), HasSubstr("public"));
}

TEST(ListFile, ItMayNotBeLargerThanItMayBe) {
  EXPECT_THAT(refusal(std::string(kFileBytesMax + 1, 'x')), HasSubstr("16 MiB"));
  std::string text = "movie_id\n";
  for (std::size_t i = 1; i <= kMoviesMax; ++i) text += std::to_string(i) + "\n";
  EXPECT_EQ(read(text).movies.size(), kMoviesMax);
  EXPECT_THAT(refusal(text + "no number"), HasSubstr("more than 100000"));
}

TEST(ListFile, JsonHasTheListsWordsToo) {
  const ListFile file = read(
      R"({"name": "Noir", "description": "", "public": false, "language": null, "other": 1,
          "movies": [{"movie_id": 550, "position": 2, "added_at": "2026-01-02T03:04:05Z"},
                     {"tmdb_id": 551, "position": 1}]})");
  EXPECT_EQ(file.format, FileFormat::json);
  EXPECT_EQ(file.fields.name, "Noir");
  EXPECT_EQ(file.fields.description, "");
  EXPECT_EQ(file.fields.is_public, false);
  EXPECT_EQ(file.fields.language, std::nullopt);
  EXPECT_THAT(movies(file), ElementsAre(551, 550));
  EXPECT_THAT(file.problems, IsEmpty());
}

TEST(ListFile, MoviesOfJsonAreToldByTheirPlace) {
  const ListFile file = read(
      R"({"movies": [{"movie_id": 550}, 551, {}, {"movie_id": 1.5}, {"movie_id": 550},
          {"movie_id": 2, "position": "a"}, {"movie_id": 3, "added_at": 4}]})");
  EXPECT_THAT(movies(file), ElementsAre(550));
  EXPECT_THAT(problems(file),
              ElementsAre("movies[1]: movie: not an object", "movies[2]: movie_id: is missing",
                          "movies[3]: movie_id: not the id of a movie",
                          "movies[4]: movie_id: 550 stands there already: movies[0]",
                          "movies[5]: position: not a whole number",
                          "movies[6]: added_at: not a time such as 2026-01-02T03:04:05Z"));
}

}  // namespace
}  // namespace spool::local_lists
