// Any schema ends soon in an error or in a grammar that holds what check_grammar asks for.
#include <cstdlib>

#include "grammar/gbnf_check.h"
#include "grammar/json_schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pensieve;
  using namespace pensieve::grammar;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto harmless = [](const Error& error) { return error.code == ErrorCode::kInvalidArgument || error.code == ErrorCode::kUnsupported; };
  for (const bool strict : {true, false}) {
    const auto grammar = schema_grammar(text, {.strict = strict, .literals = strict ? Literals::kJson : Literals::kPython, .param = "schema"});
    if (!grammar) {
      if (!harmless(grammar.error())) std::abort();
      continue;
    }
    // Only recursion without end, and size, may be found wrong with a grammar of our own making.
    const auto facts = check_grammar(*grammar, "schema");
    if (!facts && (!harmless(facts.error()) || facts.error().message.contains("line "))) std::abort();
  }
  const auto facts = check_grammar(text, "grammar");
  if (!facts && !harmless(facts.error())) std::abort();
  return 0;
}
