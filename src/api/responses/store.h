// Responses that a later request may go on from or look up.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/responses/request.h"

namespace pensieve::api::responses {

struct StoredResponse {
  std::string id;
  std::string body;  // the response object
  std::vector<Item> input;
  std::vector<Item> output;
  std::vector<Message> conversation;  // up to and with the answer, without instructions
};

// In memory, bounded by number and bytes: those that were not used for longest go first. They end with
// the server. Used from the supervisor's loop only.
class ResponseStore {
 public:
  explicit ResponseStore(std::size_t most = 1000, std::size_t most_bytes = 16U << 20U) : most_(most), most_bytes_(most_bytes) {}

  void put(StoredResponse response);
  // Null: there is none. Valid until the next put or remove.
  const StoredResponse* find(std::string_view id);
  // The JSON of an input or output item by its id.
  const std::string* item(std::string_view id);
  bool remove(std::string_view id);

 private:
  using Place = std::list<StoredResponse>::iterator;
  void forget(Place place);

  std::size_t most_;
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::list<StoredResponse> responses_;  // the last used first
  std::map<std::string, Place, std::less<>> by_id_;
  std::map<std::string, Place, std::less<>> by_item_;
};

}  // namespace pensieve::api::responses
