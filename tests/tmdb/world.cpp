#include "tests/tmdb/world.hpp"

#include <algorithm>

#include "engine/base/assert.hpp"

namespace spool::standin {

List* World::find(std::int64_t id) {
  const auto found = lists_.find(id);
  return found == lists_.end() || found->second.deleted ? nullptr : &found->second;
}

const List* World::remembered(std::int64_t id) const {
  const auto found = lists_.find(id);
  return found == lists_.end() ? nullptr : &found->second;
}

const std::vector<std::int64_t>& World::lists_of(std::int64_t user) const {
  static const std::vector<std::int64_t> none;
  const auto found = by_user_.find(user);
  return found == by_user_.end() ? none : found->second;
}

std::vector<std::int64_t> World::owners() const {
  std::vector<std::int64_t> users;
  for (const auto& [user, lists] : by_user_) users.push_back(user);
  std::ranges::sort(users);
  return users;
}

Effect World::effect(const List& list, const char* kind, const Act& act, bool changed) const {
  Effect made;
  made.at_us = act.at.steady_us;
  made.user = list.user;
  made.list_id = list.id;
  made.kind = kind;
  made.changed = changed;
  made.origin = act.origin;
  return made;
}

List& World::create(std::int64_t user, ListDetails details, const Act& act) {
  const std::int64_t id = next_id_++;
  List& list = lists_[id];
  list.id = id;
  list.user = user;
  list.details = std::move(details);
  list.created_s = list.updated_s = act.at.unix_s;
  by_user_[user].push_back(id);
  Effect made = effect(list, "create", act, true);
  made.name = list.details.name;
  ledger_.add(std::move(made));
  return list;
}

bool World::update(List& list, const ListDetails& details, const Act& act) {
  const bool changed = list.details != details;
  list.details = details;
  list.updated_s = act.at.unix_s;
  Effect made = effect(list, "update", act, changed);
  made.name = details.name;
  ledger_.add(std::move(made));
  return changed;
}

bool World::add(List& list, Item item, const Act& act) {
  const bool changed = list.titles.insert(List::key(item)).second;
  Effect made = effect(list, "add", act, changed);
  made.media_id = item.media_id;
  made.tv = item.tv;
  if (changed) {
    list.items.push_back(std::move(item));
    list.updated_s = act.at.unix_s;
  }
  ledger_.add(std::move(made));
  return changed;
}

bool World::remove(List& list, const Item& item, const Act& act) {
  const bool changed = list.titles.erase(List::key(item)) == 1;
  Effect made = effect(list, "remove", act, changed);
  made.media_id = item.media_id;
  made.tv = item.tv;
  if (changed) {
    std::erase_if(list.items, [&](const Item& kept) { return kept.same_title(item); });
    list.updated_s = act.at.unix_s;
  }
  ledger_.add(std::move(made));
  return changed;
}

bool World::comment(List& list, const Item& item, const Act& act) {
  const auto found =
      std::ranges::find_if(list.items, [&](const Item& kept) { return kept.same_title(item); });
  const bool changed = found != list.items.end() && found->comment != item.comment;
  if (changed) found->comment = item.comment;
  Effect made = effect(list, "update", act, changed);
  made.media_id = item.media_id;
  made.tv = item.tv;
  ledger_.add(std::move(made));
  return found != list.items.end();
}

std::size_t World::clear(List& list, const Act& act) {
  const std::size_t count = list.items.size();
  list.items.clear();
  list.titles.clear();
  list.updated_s = act.at.unix_s;
  ledger_.add(effect(list, "clear", act, count > 0));
  return count;
}

bool World::erase(std::int64_t id, const Act& act) {
  const auto found = lists_.find(id);
  if (found == lists_.end()) return false;
  List& list = found->second;
  const bool changed = !list.deleted;
  list.deleted = true;
  if (changed) {
    // Its name and owner stay, for those who ask a second time.
    list.items.clear();
    list.titles.clear();
    const std::size_t gone = std::erase(by_user_[list.user], id);
    SPOOL_ASSERT(gone == 1, "a list stands once among its owner's");
  }
  ledger_.add(effect(list, "delete", act, changed));
  return changed;
}

}  // namespace spool::standin
