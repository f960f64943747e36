// From the body of POST /v1/responses to the neutral request.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/json_value.h"
#include "base/result.h"
#include "generation/request.h"

namespace pensieve::api::responses {

// What an answer repeats of its request, as JSON text.
struct EchoedFields {
  std::string instructions = "null";
  std::string max_output_tokens = "null";
  std::string metadata = "{}";
  std::string previous_response_id = "null";
  std::string prompt_cache_key = "null";
  std::string reasoning = R"({"effort":null,"summary":null})";
  std::string safety_identifier = "null";
  std::string text = R"({"format":{"type":"text"},"verbosity":"medium"})";
  std::string tool_choice = R"("auto")";
  std::string tools = "[]";
  std::string truncation = R"("disabled")";
  std::string user = "null";
};

// An item of the conversation as it came, with an id of its own.
struct Item {
  std::string id;
  std::string json;
};

struct ParsedRequest {
  GenerationRequest generation;
  std::vector<Item> input;
  std::map<std::string, std::string> namespaces;  // of tools that are in one, by the tool's name
  EchoedFields echoed;
  bool instructed = false;  // the first message is `instructions`
  bool stream = false;
  bool store = true;
  bool logprobs = false;
};

// What the parser asks for of earlier responses. Null: there is none.
struct Earlier {
  std::function<const std::vector<Message>*(std::string_view response_id)> conversation;
  std::function<const std::string*(std::string_view item_id)> item;
};

// Unknown fields are ignored. Error kInvalidArgument, kUnsupported or kNotFound (an earlier response or
// item) names the field at fault.
Result<ParsedRequest> parse_request(std::string_view body, const Earlier& earlier);

// `text.format` and `tools` with `tool_choice`.
Result<void> parse_format(const Fields& body, ParsedRequest& parsed);
Result<void> parse_tools(const Fields& body, ParsedRequest& parsed);

// `input` behind what `parsed` has already.
Result<void> parse_input(const Fields& body, const Earlier& earlier, ParsedRequest& parsed);

}  // namespace pensieve::api::responses
