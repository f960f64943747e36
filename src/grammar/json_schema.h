// JSON Schema to a GBNF grammar, whose every text is JSON that the schema accepts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "grammar/rules.h"

namespace pensieve::grammar {

// How literals are written.
enum class Literals : std::uint8_t { kJson, kPython };

struct SchemaOptions {
  // Refuse keywords that can't be held; otherwise they are passed over, and the grammar may allow more
  // than the schema does.
  bool strict = true;
  Literals literals = Literals::kJson;
  std::string param = {};  // name of the request field that the schema came in, for errors
};

// Adds rules for `schema` (JSON text) and returns the symbol of a whole value. The grammar may be narrower
// than the schema where that is what models and clients expect: members come in the order of
// `properties`, others only where additionalProperties allows them. Errors: kInvalidArgument for what is
// no schema or accepts nothing, kUnsupported for what can't be held; the message names keyword and path.
Result<std::string> compile_schema(Rules& rules, std::string_view schema, const SchemaOptions& options);

// Whole grammars, ready for check_grammar and the sampler.
Result<std::string> schema_grammar(std::string_view schema, const SchemaOptions& options);
std::string json_object_grammar();

// Rules of any JSON object or value; their symbols.
std::string any_object(Rules& rules, Literals literals);
std::string any_value(Rules& rules, Literals literals);

}  // namespace pensieve::grammar
