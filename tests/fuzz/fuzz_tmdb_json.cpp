// An answer of TMDB, whatever its bytes, through every reader: a value that keeps its promises, or
// a rejection with a reason. Where a list is accepted, its items are those of a second reading of
// the same document.
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "engine/base/assert.hpp"
#include "engine/base/text.hpp"
#include "handlers/tmdb/json.hpp"
#include "handlers/tmdb/status.hpp"

namespace {

using namespace spool;
using namespace spool::tmdb;

void check_text(const std::string& text) {
  SPOOL_ASSERT(base::printable(text, text.size()) == text, "text can be stored");
}

void check_token(const std::string& text) {
  SPOOL_ASSERT(!text.empty(), "a token has characters");
  SPOOL_ASSERT(std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; }),
               "a token fits into a header");
}

// Empty if it was refused, for a reason.
template <typename T>
const T* value_of(const Parsed<T>& parsed) {
  if (const auto* rejection = std::get_if<message::Rejection>(&parsed)) {
    SPOOL_ASSERT(!rejection->text.empty(), "a reason");
    return nullptr;
  }
  return &std::get<T>(parsed);
}

void check_list(std::string_view json) {
  const auto parsed = parse_list_details(json);
  const ListDetails* list = value_of(parsed);
  if (!list) return;
  SPOOL_ASSERT(list->id > 0 && list->item_count >= 0, "numbers that count");
  SPOOL_ASSERT(list->page >= 0 && list->total_pages >= 0 && list->total_results >= 0, "pages");
  check_text(list->name);
  check_text(list->description);
  for (const Item& item : list->items) {
    SPOOL_ASSERT(item.id > 0, "an item has an id");
    check_text(item.title);
    check_text(item.comment);
  }
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(json);
  simdjson::dom::element root;
  SPOOL_ASSERT(!parser.parse(padded).get(root), "both readings accept the document");
  simdjson::dom::array items;
  if (root["items"].get(items))
    SPOOL_ASSERT(!root["results"].get(items), "there is an array of items");
  SPOOL_ASSERT(items.size() == list->items.size(), "no item is lost");
}

void check_account_lists(std::string_view json) {
  const auto parsed = parse_account_lists(json);
  const AccountLists* page = value_of(parsed);
  if (!page) return;
  for (const ListSummary& list : page->lists) {
    SPOOL_ASSERT(list.id > 0 && list.item_count >= 0, "numbers that count");
    check_text(list.name);
  }
}

void check_tokens(std::string_view json) {
  const auto request = parse_request_token(json);
  if (const RequestToken* token = value_of(request)) check_token(token->token);
  const auto session = parse_session(json);
  if (const Session* found = value_of(session)) check_token(found->id);
  const auto access = parse_access_token(json);
  if (const AccessToken* token = value_of(access)) {
    check_token(token->token);
    check_token(token->account_id);
  }
}

void check_small(std::string_view json) {
  const auto created = parse_created_list(json);
  if (const CreatedList* list = value_of(created)) SPOOL_ASSERT(list->id > 0, "an id");
  const auto cleared = parse_cleared(json);
  if (const Cleared* count = value_of(cleared))
    SPOOL_ASSERT(count->items_deleted.value_or(0) >= 0, "a count");
  const auto present = parse_item_status(json);
  value_of(present);
  const auto results = parse_item_results(json);
  if (const auto* all = value_of(results))
    for (const ItemResult& result : *all) SPOOL_ASSERT(result.id > 0, "an id");
}

void check_status(std::string_view json) {
  const auto status = parse_status(json);
  if (status) check_text(status->message);
  for (const int http_status : {200, 403, 404, 429, 500}) {
    Reply reply;
    reply.http_status = http_status;
    reply.json = status.has_value();
    if (status) reply.code = status->code;
    for (std::size_t i = 0; i < kOperationCount; ++i) {
      const auto operation = static_cast<Operation>(i);
      const Verdict verdict = judge(operation, reply);
      SPOOL_ASSERT(!verdict.in_doubt || changes(operation), "only a change can be in doubt");
      SPOOL_ASSERT(status || verdict.ending != Ending::done, "a proxy's page ends nothing well");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  // Of its own, so that the address sanitizer sees every byte that is read too far.
  const auto memory = std::make_unique<char[]>(size);
  std::copy_n(bytes, size, memory.get());
  const std::string_view json(memory.get(), size);
  check_list(json);
  check_account_lists(json);
  check_tokens(json);
  check_small(json);
  check_status(json);
  parse_time(json);
  const auto wait = parse_retry_after(json, json);
  SPOOL_ASSERT(!wait || (wait->count() >= 0 && wait->count() <= 86'400), "a wait that ends");
  return 0;
}
