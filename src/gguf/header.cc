#include "gguf/header.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <format>
#include <set>
#include <utility>

namespace pensieve::gguf {
namespace {

// Together they keep the largest header that is read under 64 MB of memory; real ones have some hundred
// keys, some thousand tensors and a chat template of some kilobytes.
constexpr std::uint64_t kMaxMetadata = 16'384;
constexpr std::uint64_t kMaxTensors = 65'536;
constexpr std::uint64_t kMaxKeyBytes = 65'535;  // GGUF specification
constexpr std::uint64_t kMaxTensorName = 128;
constexpr std::uint64_t kMaxTextBytes = 8'000'000;   // one kept string, e.g. a chat template
constexpr std::uint64_t kMaxKeptBytes = 16'000'000;  // all kept metadata together
constexpr std::uint64_t kMaxKeptNumbers = 65'536;
constexpr std::uint64_t kMaxDimension = std::uint64_t{1} << 48;

enum class Kind : std::uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
};

std::uint64_t size_of(Kind kind) {
  switch (kind) {
    case Kind::kU8:
    case Kind::kI8:
    case Kind::kBool:
      return 1;
    case Kind::kU16:
    case Kind::kI16:
      return 2;
    case Kind::kU32:
    case Kind::kI32:
    case Kind::kF32:
      return 4;
    case Kind::kU64:
    case Kind::kI64:
    case Kind::kF64:
      return 8;
    default:
      return 0;
  }
}

std::unexpected<Error> bad(std::string message) { return fail(ErrorCode::kInvalidArgument, std::move(message), "download the file again"); }

// Sequential reading through a window; never past the end.
class Reader {
 public:
  explicit Reader(Source& source) : source_(source), window_(64 * 1024) {}

  [[nodiscard]] std::uint64_t position() const { return position_; }
  [[nodiscard]] std::uint64_t left() const { return source_.size() - position_; }

  Result<void> bytes(std::span<char> out, std::string_view field) {
    if (out.size() > left()) return bad(std::format("the file ends within {}", field));
    while (!out.empty()) {
      if (position_ < begin_ || position_ >= begin_ + filled_) TRY_VOID(fill());
      const std::uint64_t at = position_ - begin_;
      const auto count = std::min<std::uint64_t>(out.size(), filled_ - at);
      std::memcpy(out.data(), window_.data() + at, count);
      out = out.subspan(count);
      position_ += count;
    }
    return {};
  }

  template <typename T>
  Result<T> value(std::string_view field) {
    char raw[sizeof(T)];
    TRY_VOID(bytes(raw, field));
    T result;
    std::memcpy(&result, raw, sizeof result);
    return result;
  }

  Result<void> skip(std::uint64_t count, std::string_view field) {
    if (count > left()) return bad(std::format("the file ends within {}", field));
    position_ += count;
    return {};
  }

  Result<std::string> text(std::uint64_t most, std::string_view field) {
    const auto length = TRY(value<std::uint64_t>(field));
    if (length > most) return bad(std::format("{} is {} bytes long, over the bound of {}", field, length, most));
    if (length > left()) return bad(std::format("the file ends within {}", field));
    std::string result(length, '\0');
    TRY_VOID(bytes(result, field));
    return result;
  }

 private:
  Result<void> fill() {
    begin_ = position_;
    filled_ = std::min<std::uint64_t>(window_.size(), source_.size() - begin_);
    return source_.read(begin_, std::span(window_).first(filled_));
  }

  Source& source_;
  std::vector<char> window_;
  std::uint64_t begin_ = 0;
  std::uint64_t filled_ = 0;
  std::uint64_t position_ = 0;
};

template <typename T>
Result<Value> number_value(Reader& reader, std::string_view key) {
  const T value = TRY(reader.value<T>(key));
  if constexpr (std::is_floating_point_v<T>)
    return Value(static_cast<double>(value));
  else if constexpr (std::is_signed_v<T>)
    return Value(std::int64_t{value});
  else
    return Value(std::uint64_t{value});
}

Result<Value> scalar(Reader& reader, Kind kind, std::string_view key) {
  switch (kind) {
    case Kind::kU8:
      return number_value<std::uint8_t>(reader, key);
    case Kind::kI8:
      return number_value<std::int8_t>(reader, key);
    case Kind::kU16:
      return number_value<std::uint16_t>(reader, key);
    case Kind::kI16:
      return number_value<std::int16_t>(reader, key);
    case Kind::kU32:
      return number_value<std::uint32_t>(reader, key);
    case Kind::kI32:
      return number_value<std::int32_t>(reader, key);
    case Kind::kF32:
      return number_value<float>(reader, key);
    case Kind::kU64:
      return number_value<std::uint64_t>(reader, key);
    case Kind::kI64:
      return number_value<std::int64_t>(reader, key);
    case Kind::kF64:
      return number_value<double>(reader, key);
    case Kind::kBool:
      return Value(TRY(reader.value<std::uint8_t>(key)) != 0);
    case Kind::kString:
      return Value(TRY(reader.text(kMaxTextBytes, key)));
    default:
      return bad(std::format("{} has the unknown type {}", key, static_cast<std::uint32_t>(kind)));
  }
}

double as_double(const Value& value) {
  return std::visit(
      [](const auto& v) -> double {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>)
          return static_cast<double>(v);
        else
          return 0;
      },
      value);
}

Result<Value> array(Reader& reader, std::string_view key) {
  const auto kind = static_cast<Kind>(TRY(reader.value<std::uint32_t>(key)));
  Array result{.count = TRY(reader.value<std::uint64_t>(key))};
  if (kind == Kind::kArray) return bad(std::format("{} is an array of arrays", key));
  if (kind == Kind::kString) {
    // Each string takes at least its length field.
    if (result.count > reader.left() / 8) return bad(std::format("{} claims {} elements", key, result.count));
    for (std::uint64_t i = 0; i < result.count; ++i) {
      TRY_VOID(reader.skip(TRY(reader.value<std::uint64_t>(key)), key));
    }
    return Value(std::move(result));
  }
  const std::uint64_t size = size_of(kind);
  if (size == 0) return bad(std::format("{} has elements of the unknown type {}", key, static_cast<std::uint32_t>(kind)));
  if (result.count > reader.left() / size) return bad(std::format("{} claims {} elements", key, result.count));
  if (result.count > kMaxKeptNumbers) {
    TRY_VOID(reader.skip(result.count * size, key));
    return Value(std::move(result));
  }
  for (std::uint64_t i = 0; i < result.count; ++i) {
    result.numbers.push_back(as_double(TRY(scalar(reader, kind, key))));
  }
  return Value(std::move(result));
}

std::uint64_t kept_bytes(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->size();
  if (const auto* numbers = std::get_if<Array>(&value)) return numbers->numbers.size() * sizeof(double);
  return 0;
}

Result<void> read_metadata(Reader& reader, Header& header, std::uint64_t count) {
  std::uint64_t kept = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t begin = reader.position();
    std::string key = TRY(reader.text(kMaxKeyBytes, std::format("the key of metadata {}", i)));
    const auto kind = static_cast<Kind>(TRY(reader.value<std::uint32_t>(key)));
    Value value = kind == Kind::kArray ? TRY(array(reader, key)) : TRY(scalar(reader, kind, key));
    kept += 2 * key.size() + kept_bytes(value);
    header.spans.push_back({key, begin, reader.position() - begin});
    if (kept > kMaxKeptBytes) return bad("the metadata is over its bound of 16 MB");
    if (!header.metadata.emplace(key, std::move(value)).second) {
      return bad(std::format("metadata key {} stands twice", key));
    }
  }
  return {};
}

Result<Tensor> read_tensor(Reader& reader, std::uint64_t index) {
  Tensor tensor;
  tensor.name = TRY(reader.text(kMaxTensorName, std::format("the name of tensor {}", index)));
  const std::string field = std::format("tensor {}", tensor.name);
  const auto dimensions = TRY(reader.value<std::uint32_t>(field));
  if (dimensions < 1 || dimensions > 4) return bad(std::format("{} has {} dimensions", field, dimensions));
  tensor.elements = 1;
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    const auto size = TRY(reader.value<std::uint64_t>(field));
    if (size == 0 || size > kMaxDimension || tensor.elements > kMaxDimension / size) {
      return bad(std::format("{} has an impossible dimension {}", field, size));
    }
    tensor.dimensions.push_back(size);
    tensor.elements *= size;
  }
  const auto type = TRY(reader.value<std::uint32_t>(field));
  const auto known = find_tensor_type(type);
  if (!known) return bad(std::format("{} has the unknown type {}", field, type));
  tensor.type = *known;
  if (tensor.dimensions.front() % known->block_elements != 0) {
    return bad(std::format("{}: {} elements a row are no whole blocks of {}", field, tensor.dimensions.front(), known->name));
  }
  tensor.bytes = tensor.elements / known->block_elements * known->block_bytes;
  tensor.offset = TRY(reader.value<std::uint64_t>(field));
  return tensor;
}

Result<void> check_data(const Header& header, std::uint64_t alignment, bool allow_missing) {
  for (const Tensor& tensor : header.tensors) {
    if (tensor.offset % alignment != 0) {
      return bad(std::format("tensor {} starts at {}, which is not aligned to {}", tensor.name, tensor.offset, alignment));
    }
    const std::uint64_t room = header.file_bytes - std::min(header.file_bytes, header.data_offset);
    if (!allow_missing && (tensor.offset > room || tensor.bytes > room - tensor.offset)) {
      return bad(std::format("the file is cut off: tensor {} ends beyond its {} bytes", tensor.name, header.file_bytes));
    }
  }
  return {};
}

}  // namespace

std::optional<std::string> Header::text(std::string_view key) const {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  const auto* value = std::get_if<std::string>(&found->second);
  return value ? std::optional(*value) : std::nullopt;
}

std::optional<std::uint64_t> Header::number(std::string_view key) const {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  if (const auto* value = std::get_if<std::uint64_t>(&found->second)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&found->second); value && *value >= 0) {
    return static_cast<std::uint64_t>(*value);
  }
  return std::nullopt;
}

Result<Header> read_header(Source& source, bool allow_missing_data) {
  static_assert(std::endian::native == std::endian::little);
  Reader reader(source);
  Header header{.file_bytes = source.size()};
  char magic[4];
  if (reader.left() < sizeof magic) return bad("not a GGUF file: it is too short");
  TRY_VOID(reader.bytes(magic, "the magic"));
  if (std::memcmp(magic, "GGUF", 4) != 0) return bad("not a GGUF file: it does not begin with GGUF");
  header.version = TRY(reader.value<std::uint32_t>("the version"));
  if ((header.version & 0xFFFF) == 0 && header.version != 0) return bad("a big-endian GGUF file; only little-endian ones are supported");
  if (header.version < 2 || header.version > 3) return bad(std::format("GGUF version {} is not supported (2 and 3 are)", header.version));
  const auto tensors = TRY(reader.value<std::uint64_t>("the tensor count"));
  const auto metadata = TRY(reader.value<std::uint64_t>("the metadata count"));
  if (tensors > kMaxTensors) return bad(std::format("the tensor count {} is over the bound of {}", tensors, kMaxTensors));
  if (metadata > kMaxMetadata) return bad(std::format("the metadata count {} is over the bound of {}", metadata, kMaxMetadata));
  TRY_VOID(read_metadata(reader, header, metadata));
  const std::uint64_t alignment = header.number("general.alignment").value_or(32);
  if (!std::has_single_bit(alignment) || alignment > 65'536)
    return bad(std::format("general.alignment is {}, not a power of two up to 65536", alignment));
  std::set<std::string_view> names;
  header.tensors.reserve(tensors);
  for (std::uint64_t i = 0; i < tensors; ++i) header.tensors.push_back(TRY(read_tensor(reader, i)));
  for (const Tensor& tensor : header.tensors) {
    if (!names.insert(tensor.name).second) return bad(std::format("tensor {} stands twice", tensor.name));
  }
  header.data_offset = (reader.position() + alignment - 1) / alignment * alignment;
  TRY_VOID(check_data(header, alignment, allow_missing_data));
  return header;
}

}  // namespace pensieve::gguf
