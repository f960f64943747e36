#include "api/responses/store.h"

#include <algorithm>

namespace pensieve::api::responses {
namespace {

std::size_t bytes_of(const StoredResponse& response) {
  std::size_t bytes = sizeof(StoredResponse) + response.body.size();
  for (const auto* items : {&response.input, &response.output}) {
    for (const Item& item : *items) bytes += sizeof(Item) + 3 * item.id.size() + item.json.size();
  }
  for (const Message& message : response.conversation) {
    bytes += sizeof(Message) + message.text.size() + message.reasoning.size();
    for (const Image& image : message.images) bytes += sizeof(Image) + image.bytes.size();
    for (const ToolCall& call : message.tool_calls) bytes += sizeof(ToolCall) + call.arguments.size();
  }
  return bytes;
}

}  // namespace

void ResponseStore::put(StoredResponse response) {
  remove(response.id);
  bytes_ += bytes_of(response);
  responses_.push_front(std::move(response));
  const Place place = responses_.begin();
  by_id_[place->id] = place;
  for (const auto* items : {&place->input, &place->output}) {
    for (const Item& item : *items) by_item_[item.id] = place;
  }
  while (!responses_.empty() && (responses_.size() > most_ || bytes_ > most_bytes_)) forget(std::prev(responses_.end()));
}

const StoredResponse* ResponseStore::find(std::string_view id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return nullptr;
  responses_.splice(responses_.begin(), responses_, found->second);
  return &*found->second;
}

const std::string* ResponseStore::item(std::string_view id) {
  const auto found = by_item_.find(id);
  if (found == by_item_.end()) return nullptr;
  for (const auto* items : {&found->second->input, &found->second->output}) {
    const auto item = std::ranges::find(*items, id, &Item::id);
    if (item != items->end()) return &item->json;
  }
  return nullptr;
}

bool ResponseStore::remove(std::string_view id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return false;
  forget(found->second);
  return true;
}

void ResponseStore::forget(Place place) {
  bytes_ -= bytes_of(*place);
  by_id_.erase(place->id);
  std::erase_if(by_item_, [place](const auto& entry) { return entry.second == place; });
  responses_.erase(place);
}

}  // namespace pensieve::api::responses
