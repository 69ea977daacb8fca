#include "handlers/list_operations/reconcile.hpp"

#include <algorithm>
#include <string_view>

#include "engine/base/assert.hpp"

namespace spool::list_operations {
namespace {

Verdict effect(bool had, std::string why) {
  return {.finding = had ? Finding::had_effect : Finding::had_no_effect, .why = std::move(why)};
}

Verdict ask_again(std::string why) {
  return {.finding = Finding::ask_again, .why = std::move(why)};
}

Verdict reconcile_movie(const Change& change, const ListState& fetched) {
  const Presence found = presence(fetched, change.movie_id);
  if (found == Presence::unknown) return ask_again("the list was not read to its end");
  const bool present = found == Presence::present;
  return effect(present == (change.type == OperationType::add_movie),
                present ? "the movie is on the list" : "the movie is not on the list");
}

template <typename Value>
bool agrees(const std::optional<Value>& wanted, const std::optional<Value>& found) {
  return !wanted || wanted == found;
}

// An update may be repeated: where a field cannot be read, doing so is the answer.
Verdict reconcile_update(const ListFields& wanted, const ListState& fetched) {
  const ListFields& found = fetched.fields;
  const bool all = fetched.existence == Existence::exists && agrees(wanted.name, found.name) &&
                   agrees(wanted.description, found.description) &&
                   agrees(wanted.is_public, found.is_public) &&
                   agrees(wanted.language, found.language);
  return effect(all, all ? "every field is as asked for" : "a field is not as asked for");
}

// A movie that is going to be added again need not have been cleared away.
Verdict reconcile_clear(const ListState& fetched,
                        const std::unordered_set<std::int32_t>& later_adds) {
  if (fetched.existence != Existence::exists) return effect(false, "the list is not there");
  const auto explained = [&](std::int32_t movie) { return later_adds.contains(movie); };
  if (!std::all_of(fetched.movies.begin(), fetched.movies.end(), explained))
    return effect(false, "movies are on the list that no later operation adds");
  if (!fetched.complete) return ask_again("the list was not read to its end");
  return effect(true, "no movie is on the list but those that later operations add");
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace

Verdict reconcile(const Change& change, const ListState& fetched,
                  const std::unordered_set<std::int32_t>& later_adds) {
  SPOOL_ASSERT(change.type != OperationType::create_list, "has an id to be asked for");
  if (change.type == OperationType::refresh_list) return effect(false, "reading leaves no trace");
  if (fetched.existence == Existence::unknown) return ask_again("the list could not be read");
  switch (change.type) {
    case OperationType::add_movie:
    case OperationType::remove_movie:
      return reconcile_movie(change, fetched);
    case OperationType::update_list:
      return reconcile_update(change.fields, fetched);
    case OperationType::clear_list:
      return reconcile_clear(fetched, later_adds);
    case OperationType::delete_list:
    case OperationType::create_list:
    case OperationType::refresh_list:
      break;
  }
  const bool there = fetched.existence == Existence::exists;
  return effect(!there, there ? "the list is there" : "the list is gone");
}

Verdict reconcile_create(const CreateDoubt& doubt, std::span<const FoundList> lists, bool complete,
                         const std::unordered_set<std::int32_t>& known) {
  std::unordered_set<std::int32_t> found;  // pages that move while they are read repeat lists
  for (const FoundList& list : lists) {
    const bool older = list.created_at && *list.created_at < doubt.begun_at - kClockTolerance;
    if (!older && !known.contains(list.id) && trimmed(list.name) == trimmed(doubt.name))
      found.insert(list.id);
  }
  if (found.size() > 1 || (found.size() == 1 && doubt.rivals > 0))
    return {.finding = Finding::ambiguous,
            .why = std::to_string(found.size()) + " new lists of this name for " +
                   std::to_string(doubt.rivals + 1) + " operations that may have created them"};
  if (!complete) return ask_again("the account's lists were not read to their end");
  if (found.size() == 1)
    return {.finding = Finding::had_effect,
            .list_id = *found.begin(),
            .why = "the account has one new list of this name"};
  if (const base::EpochMicros settled = doubt.ended_at + kSettlingTime; doubt.now < settled)
    return {.finding = Finding::ask_again,
            .ask_at = settled,
            .why = "no new list of this name yet, which may change"};
  return effect(false, "the account has no new list of this name");
}

}  // namespace spool::list_operations
