#include "handlers/local_lists/export_command.hpp"

#include <cstdio>
#include <fstream>
#include <string>

#include "engine/app/command_context.hpp"
#include "engine/postgres/connection.hpp"
#include "handlers/list_operations/operation_input.hpp"
#include "handlers/local_lists/list_export.hpp"

namespace spool::local_lists {
namespace {

using app::CommandContext;
using base::Failure;
using base::FailureKind;
using base::Result;

Result<std::int64_t> write_to(std::ostream& out, postgres::Connection& connection,
                              const ExportedList& list, FileFormat format) {
  ListWriter writer(out, format);
  auto written = write_list(connection, list, writer);
  if (!written) return written;
  out.flush();
  if (!out) return Failure(FailureKind::unavailable, "the output takes no more");
  return written;
}

// Under its name once it is whole: half a list looks like a list.
Result<std::int64_t> write_file(const std::string& name, postgres::Connection& connection,
                                const ExportedList& list, FileFormat format) {
  const std::string partial = name + ".partial";
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  if (!file) return Failure(FailureKind::invalid, partial + ": cannot be written");
  auto written = write_to(file, connection, list, format);
  file.close();
  if (written && file && std::rename(partial.c_str(), name.c_str()) == 0) return written;
  static_cast<void>(std::remove(partial.c_str()));
  if (!written) return written;
  return Failure(FailureKind::unavailable, name + ": cannot be written");
}

int export_list(CommandContext& context) {
  const app::Arguments& arguments = context.arguments();
  const auto user = list_operations::read_user(arguments, "user");
  if (!user) return context.fail(user.failure());
  const FileFormat format =
      arguments.get_or("format", "json") == "csv" ? FileFormat::csv : FileFormat::json;
  const std::string out = arguments.get_or("out", "-");
  auto connection = context.connect();
  if (!connection) return context.fail(connection.failure());
  const auto list =
      find_exported(**connection, arguments.get_or("LIST", ""), *user, arguments.has("confirmed"));
  if (!list) return context.fail(list.failure());
  const auto written = out == "-" ? write_to(context.out(), **connection, *list, format)
                                  : write_file(out, **connection, *list, format);
  if (!written) return context.fail(written.failure());
  if (!list->complete)
    context.note("the list was not read from TMDB as a whole: other movies may be on it");
  context.note(std::to_string(*written) + " movies" + (out == "-" ? "" : " in " + out));
  return app::kOk;
}

}  // namespace

app::Command export_command() {
  return {.path = "lists export",
          .help = "A list as a file, as its user sees it",
          .positionals = {{"LIST", "Its id at TMDB, its list_ref, or the id of a local list"}},
          .options = {{"--format", "WORD", "json (default) or csv", {"json", "csv"}},
                      {"--confirmed", "", "As TMDB has it, as far as is known, without what waits"},
                      {"--out", "FILE", "Into this file; - is stdout (default)"},
                      {"--user", "N", "Whose, if several users have chosen the same list_ref"}},
          .footer =
              "JSON has the list's words and its movies, CSV the columns movie_id, position and "
              "added_at.\nspool lists import reads both.\n"
              "Exit codes: 4 it is not known here, 5 several users have it.\n"
              "Examples:\n  spool lists export 8136 --out noir.json\n"
              "  spool lists export UUID --format csv --confirmed",
          .run = export_list};
}

}  // namespace spool::local_lists
