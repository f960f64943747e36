// The fields that chat and legacy completions share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/json_value.h"
#include "api/openai/request.h"

namespace pensieve::api::openai {

// Refuses what is known but can't be done; `param` is the field's path.
std::unexpected<Error> unsupported(const std::string& param, std::string_view problem, std::string advice);

Result<void> parse_stop(const Fields& body, GenerationRequest& request);

// temperature, top_p, top_k, min_p, penalties, seed, logit_bias.
Result<void> parse_sampling(const Fields& body, GenerationRequest& request);

// The form that the answer is held to: response_format, or `grammar` (GBNF).
Result<void> parse_format(const Fields& body, GenerationRequest& request);

// One format: "text", "json_object" or "json_schema", whose schema is `schema` of `holder`.
Result<void> set_format(const Fields& holder, const std::string& type, GenerationRequest& request);

// stream and stream_options.
Result<void> parse_streaming(const Fields& body, ParsedRequest& parsed);

// `n` requests of each prompt; with a seed they still differ, and the same way each time.
Result<void> add_choices(const Fields& body, const std::vector<GenerationRequest>& prompts, ParsedRequest& parsed);

// The image of a part "image_url" or "input_image". Errors as image_of_url.
Result<Image> image_part(const Fields& part);

}  // namespace pensieve::api::openai
