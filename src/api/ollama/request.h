// From Ollama's request bodies to neutral requests.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/json_value.h"
#include "base/result.h"
#include "generation/request.h"

namespace pensieve::api::ollama {

// How long a model stays loaded after its last use; negative: for good. Empty: as configured.
using KeepAlive = std::optional<std::chrono::seconds>;

// POST /api/chat and /api/generate.
struct ParsedRequest {
  GenerationRequest generation;
  std::string name;  // of the model, as the client wrote it; goes back in the answer
  bool chat = true;
  bool stream = true;
  bool only_load = false;  // nothing to answer: the model is to be loaded, or unloaded (keep_alive 0)
  bool raw = false;        // no template, so no context is given back
  KeepAlive keep_alive;
  std::vector<std::string> ignored;  // fields that are known but have no effect here
};

// Unknown fields are ignored. Error kInvalidArgument or kUnsupported names the field at fault.
Result<ParsedRequest> parse_chat_request(std::string_view body);
Result<ParsedRequest> parse_generate_request(std::string_view body);

// "llama3:latest" -> "llama3"; any other tag is part of the name.
std::string bare_name(std::string_view name);

// `model`, or its older name `name`, in `name` and bare in `generation.model`.
Result<std::string> model_field(const Fields& body);

// A number of seconds, or a duration as Go writes it ("5m", "1h30m", "-1").
Result<KeepAlive> keep_alive_field(const Fields& body);

// `options`, which hold the sampling parameters and more.
Result<void> parse_options(const Fields& body, ParsedRequest& parsed);

}  // namespace pensieve::api::ollama
