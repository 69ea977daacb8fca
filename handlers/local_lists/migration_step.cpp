#include "handlers/local_lists/migration_step.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/assert.hpp"

namespace spool::local_lists {
namespace {

using handler::PublishedEvent;

void become(MigrationList& list, ListState state) {
  SPOOL_ASSERT(may_become(list.state, state), "a legal transition of a list that is moved");
  list.state = state;
}

void fail(MigrationList& list, std::string problem) {
  become(list, ListState::failed);
  list.problem = std::move(problem);
}

std::string failure_text(std::string_view what, const Answer& answer) {
  if (answer.asked == Asked::cancelled) return std::string(what) + " was cancelled";
  return std::string(what) + " failed" + (answer.why.empty() ? "" : ": " + answer.why);
}

// Those in front that have ended are behind us; the others wait, or are to blame.
void absorb_movies(MigrationList& list, const std::vector<AskedMovie>& movies) {
  list.failed = 0;
  bool in_front = true;
  std::string problem;
  for (const AskedMovie& one : movies) {
    const Asked asked = one.answer.asked;
    if (asked == Asked::waits) ++list.waiting;
    if (asked == Asked::failed) {
      ++list.failed;
      if (problem.empty())
        problem = failure_text("add_movie " + std::to_string(one.movie_id), one.answer);
    }
    in_front = in_front && (asked == Asked::completed || asked == Asked::cancelled);
    if (!in_front) continue;
    list.ended = one.position;
    if (asked == Asked::completed) ++list.done;
  }
  if (list.failed > 1) problem += " (and " + std::to_string(list.failed - 1) + " more)";
  if (list.failed > 0) fail(list, std::move(problem));
}

}  // namespace

std::optional<std::string> awaited(const MigrationList& list) {
  switch (list.state) {
    case ListState::creating:
      return create_id(list.moved);
    case ListState::checking:
      return refresh_id(list.moved, list.checks);
    case ListState::removing:
      return delete_id(list.moved);
    default:
      return std::nullopt;
  }
}

void absorb(MigrationList& list, const ListFacts& facts) {
  list.waiting = 0;
  if (list.state == ListState::filling) return absorb_movies(list, facts.movies);
  if (!awaited(list)) return;
  const Answer& answer = facts.one;
  if (answer.asked == Asked::waits) {
    list.waiting = 1;
    return;
  }
  const bool completed = answer.asked == Asked::completed;
  if (list.state == ListState::creating) {
    if (!completed) return fail(list, failure_text("create_list", answer));
    list.created = true;
    return become(list, ListState::filling);
  }
  if (list.state == ListState::removing) {
    // It stays to be removed: its dead letter can be replayed.
    list.problem = completed ? "" : failure_text("delete_list", answer);
    if (completed) become(list, ListState::removed);
    return;
  }
  if (!completed) return fail(list, failure_text("refresh_list", answer));
  if (!facts.difference.empty()) return fail(list, facts.difference);
  become(list, ListState::done);
}

std::int32_t fill(MigrationList& list, const std::vector<NextMovie>& next, std::int32_t room,
                  std::vector<PublishedEvent>& to) {
  if (list.state != ListState::filling || room <= 0) return 0;
  if (!next.empty()) {
    const auto count = std::min<std::int32_t>(room, static_cast<std::int32_t>(next.size()));
    for (std::int32_t i = 0; i < count; ++i) {
      const NextMovie& movie = next[static_cast<std::size_t>(i)];
      to.push_back(add_event(list.moved, movie.movie_id));
      list.published = movie.position;
    }
    list.waiting += count;
    return count;
  }
  if (list.ended < list.published) return 0;
  to.push_back(refresh_event(list.moved, ++list.checks));
  become(list, ListState::checking);
  list.waiting = 1;
  return 1;
}

std::int32_t begin(MigrationList& list, std::int32_t room, std::vector<PublishedEvent>& to) {
  if (list.state != ListState::waiting || room <= 0) return 0;
  if (!list.fields) {
    list.problem = "the local list is gone";
    become(list, ListState::removed);
    return 0;
  }
  become(list, ListState::creating);
  to.push_back(create_event(list.moved, *list.fields));
  list.waiting = 1;
  return 1;
}

std::int32_t remove(MigrationList& list, std::int32_t room, std::vector<PublishedEvent>& to) {
  if (list.state == ListState::removing || list.state == ListState::removed) return 0;
  if (list.state == ListState::waiting) {
    become(list, ListState::removed);
    return 0;
  }
  if (room <= 0) return 0;
  to.push_back(delete_event(list.moved));
  become(list, ListState::removing);
  list.problem.clear();
  list.waiting = 1;
  return 1;
}

MigrationState state_after(MigrationState now, const StateCounts& lists) {
  const auto any = [&](std::initializer_list<ListState> states) {
    return std::any_of(states.begin(), states.end(),
                       [&](ListState state) { return lists[static_cast<std::size_t>(state)] > 0; });
  };
  using enum ListState;
  if (now == MigrationState::rolling_back)
    return any({waiting, creating, filling, checking, done, failed, removing})
               ? now
               : MigrationState::rolled_back;
  if (any({waiting, creating, filling})) return MigrationState::running;
  if (any({ListState::checking})) return MigrationState::checking;
  return any({ListState::failed}) ? MigrationState::failed : MigrationState::done;
}

}  // namespace spool::local_lists
