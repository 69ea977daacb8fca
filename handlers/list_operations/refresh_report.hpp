// What reading lists has shown, for people and programs. For one command, on its thread.
#pragma once

#include <vector>

#include "engine/app/command_context.hpp"
#include "handlers/list_operations/refresh_query.hpp"

namespace spool::list_operations {

struct ListReport {
  ReadableList list = {};
  ReadingInfo reading = {};
  bool took_over = false;  // what was found; else it was compared only

  bool unread() const { return !reading.ended() || reading.status != "completed"; }
  // Whether a refresh has something to do.
  bool to_repair() const { return reading.read && (reading.differs || reading.partial); }
};

void show_reports(app::CommandContext& context, const std::vector<ListReport>& reports);

// Of a command that has waited for them.
int code_of(const std::vector<ListReport>& reports);

}  // namespace spool::list_operations
