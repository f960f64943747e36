#include "gguf/split.h"

#include <algorithm>
#include <format>
#include <iterator>
#include <set>

namespace pensieve::gguf {
namespace {

constexpr std::uint64_t kMaxParts = 1000;
constexpr std::size_t kMaxTensors = 65'536;  // of all parts, as of one header

Result<Header> read_part(Source& source, std::uint64_t part, std::uint64_t parts, bool allow_missing_data) {
  Header header = TRY(read_header(source, allow_missing_data));
  const std::uint64_t number = header.number("split.no").value_or(0);
  const std::uint64_t count = header.number("split.count").value_or(1);
  if (number + 1 == part && count == parts) return header;
  return fail(
      ErrorCode::kInvalidArgument,
      std::format("the file of part {} of {} says that it is part {} of {} (split.no, split.count)", part, parts, number + 1, count),
      "get the parts again, each under its own name");
}

Result<void> add_part(Header& header, Header part, std::set<std::string>& names) {
  for (const Tensor& tensor : part.tensors) {
    if (!names.insert(tensor.name).second)
      return fail(ErrorCode::kInvalidArgument, std::format("tensor {} stands in two parts", tensor.name), "get the parts again");
  }
  if (names.size() > kMaxTensors) return fail(ErrorCode::kInvalidArgument, std::format("the parts hold more than {} tensors", kMaxTensors));
  header.file_bytes += part.file_bytes;
  std::ranges::move(part.tensors, std::back_inserter(header.tensors));
  return {};
}

}  // namespace

Result<std::string> part_name(const std::string& first, std::uint64_t part, std::uint64_t parts) {
  const std::string ending = std::format("-00001-of-{:05}.gguf", parts);
  if (!first.ends_with(ending)) {
    return fail(ErrorCode::kInvalidArgument, std::format("first of {} parts, but its name does not end in {}", parts, ending),
                "give the parts the names that they were published with");
  }
  return std::format("{}-{:05}-of-{:05}.gguf", first.substr(0, first.size() - ending.size()), part, parts);
}

Result<Header> read_parts(Source& first, const OpenPart& open, bool allow_missing_data) {
  Header header = TRY(read_header(first, allow_missing_data));
  const std::uint64_t parts = header.number("split.count").value_or(1);
  if (parts > kMaxParts) return fail(ErrorCode::kInvalidArgument, std::format("split.count is {}", parts));
  if (parts <= 1) return header;
  if (header.number("split.no").value_or(0) != 0)
    return fail(ErrorCode::kInvalidArgument, "a later part of a split file; its first part stands for all");
  std::set<std::string> names;
  for (const Tensor& tensor : header.tensors) names.insert(tensor.name);
  for (std::uint64_t part = 2; part <= parts; ++part) {
    const std::string where = std::format("part {} of {}", part, parts);
    Result<std::unique_ptr<Source>> source = open(part, parts);
    if (!source) return std::unexpected(with_context(source.error(), where));
    Result<Header> rest = read_part(**source, part, parts, allow_missing_data);
    if (!rest) return std::unexpected(with_context(rest.error(), where));
    TRY_VOID(add_part(header, *std::move(rest), names));
  }
  return header;
}

}  // namespace pensieve::gguf
