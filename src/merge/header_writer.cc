#include "merge/header_writer.h"

namespace pensieve::merge {
namespace {

// Numbers of the GGUF specification.
constexpr std::uint32_t kVersion = 3;
constexpr std::uint32_t kU32 = 4;
constexpr std::uint32_t kText = 8;
constexpr std::uint32_t kArray = 9;
constexpr std::uint32_t kF64 = 12;

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void put_text(std::string& out, std::string_view text) {
  put<std::uint64_t>(out, text.size());
  out += text;
}

}  // namespace

void HeaderWriter::copy(std::string_view entry) {
  metadata_ += entry;
  ++entries_;
}

void HeaderWriter::add(std::string_view key, std::string_view text) {
  put_text(metadata_, key);
  put(metadata_, kText);
  put_text(metadata_, text);
  ++entries_;
}

void HeaderWriter::add(std::string_view key, std::uint32_t number) {
  put_text(metadata_, key);
  put(metadata_, kU32);
  put(metadata_, number);
  ++entries_;
}

void HeaderWriter::add(std::string_view key, const std::vector<std::string>& texts) {
  put_text(metadata_, key);
  put(metadata_, kArray);
  put(metadata_, kText);
  put<std::uint64_t>(metadata_, texts.size());
  for (const std::string& text : texts) put_text(metadata_, text);
  ++entries_;
}

void HeaderWriter::add(std::string_view key, const std::vector<double>& numbers) {
  put_text(metadata_, key);
  put(metadata_, kArray);
  put(metadata_, kF64);
  put<std::uint64_t>(metadata_, numbers.size());
  for (const double number : numbers) put(metadata_, number);
  ++entries_;
}

void HeaderWriter::add_tensor(std::string_view name, const std::vector<std::uint64_t>& dimensions, const gguf::TensorType& type,
                              std::uint64_t offset) {
  put_text(tensor_list_, name);
  put(tensor_list_, static_cast<std::uint32_t>(dimensions.size()));
  for (const std::uint64_t size : dimensions) put(tensor_list_, size);
  put(tensor_list_, type.id);
  put(tensor_list_, offset);
  ++tensors_;
}

std::string HeaderWriter::bytes(std::size_t alignment) const {
  std::string out = "GGUF";
  put(out, kVersion);
  put(out, tensors_);
  put(out, entries_);
  out += metadata_;
  out += tensor_list_;
  out.resize((out.size() + alignment - 1) / alignment * alignment);
  return out;
}

}  // namespace pensieve::merge
