// The walk over a schema's nodes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "grammar/json_rules.h"

namespace pensieve::grammar {

// Used for one document. Paths in errors are JSON pointers from its root ("#/properties/a").
class SchemaCompiler {
 public:
  SchemaCompiler(Rules& rules, const Json& document, const SchemaOptions& options)
      : rules_(rules), document_(document), options_(options) {}

  // The symbol of a value that `schema` accepts.
  Result<std::string> compile(const Json& schema, const std::string& path);

 private:
  using Symbols = std::vector<std::string>;

  // The node's alternatives, with what stands beside them merged in; one if there are none.
  Result<std::vector<Json>> alternatives(const Json& schema, const std::string& path);
  Result<std::string> compile_node(const Json& schema, const std::string& path);
  Result<std::string> reference(const std::string& target, const std::string& path);
  Result<Json> resolve(const std::string& target, const std::string& path) const;
  Result<std::string> typed(const Json& schema, const std::string& type, const std::string& path);
  Result<std::string> enumeration(const Json& schema, const Json& values, const std::string& path);

  // By type: schema_object.cc, schema_array.cc, schema_scalar.cc.
  Result<std::string> object(const Json& schema, const std::string& path);
  Result<std::string> map(const Json& schema, const std::string& path);
  Result<std::string> other_member(const Json& schema, const Json& properties, const std::string& path);
  Result<std::string> member_value(const Json& schema, const std::string& key, const std::string& path);
  Result<std::string> array(const Json& schema, const std::string& path);
  Result<std::string> tuple(const Json& schema, const Json& prefix, const std::string& path);
  Result<std::string> string(const Json& schema, const std::string& path);
  Result<std::string> number(const Json& schema, bool whole, const std::string& path);

  // Both fail in strict mode, and let the keyword pass otherwise.
  Result<void> cannot_hold(std::string_view keyword, const std::string& path, std::string_view reason = {}) const;
  Result<void> refuse(const Json& schema, const std::vector<const char*>& keywords, const std::string& path) const;
  std::unexpected<Error> wrong(std::string_view keyword, const std::string& path, std::string_view problem) const;

  // A count keyword's value; `otherwise` where it is absent.
  Result<std::optional<std::uint64_t>> count(const Json& schema, const char* keyword, const std::string& path) const;

  Rules& rules_;
  const Json& document_;
  const SchemaOptions& options_;
  std::map<std::string, std::string> references_;  // target -> rule
  std::size_t nodes_ = 0;
  int depth_ = 0;
};

// One schema that accepts what both accept, as far as keywords can say it; errors name the keyword.
Result<Json> merge_schemas(const Json& a, const Json& b, const std::string& path);

}  // namespace pensieve::grammar
