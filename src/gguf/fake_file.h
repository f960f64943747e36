// Builds GGUF bytes for tests, right or wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pensieve::gguf {

class FakeFile {
 public:
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t tensor_count_offset = 0;  // added to the true count

  template <typename T>
  static std::string raw(T value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }
  static std::string raw_text(std::string_view text) { return raw<std::uint64_t>(text.size()) + std::string(text); }

  FakeFile& text(std::string_view key, std::string_view value) { return entry(raw_text(key) + raw<std::uint32_t>(8) + raw_text(value)); }
  FakeFile& number(std::string_view key, std::uint32_t value) { return entry(raw_text(key) + raw<std::uint32_t>(4) + raw(value)); }
  FakeFile& entry(std::string bytes) {
    metadata_ += bytes;
    ++metadata_count_;
    return *this;
  }
  // A two-dimensional tensor; type 0 is F32.
  FakeFile& tensor(std::string_view name, std::uint64_t a, std::uint64_t b, std::uint32_t type = 0, std::uint64_t offset = 0) {
    tensors_ += raw_text(name) + raw<std::uint32_t>(2) + raw(a) + raw(b) + raw(type) + raw(offset);
    ++tensor_count_;
    return *this;
  }
  [[nodiscard]] std::string bytes(std::size_t data) const {
    std::string out = magic + raw(version) + raw(tensor_count_ + tensor_count_offset) + raw(metadata_count_) + metadata_ + tensors_;
    out.resize((out.size() + 31) / 32 * 32);
    return out + std::string(data, '\1');
  }

 private:
  std::string metadata_;
  std::string tensors_;
  std::uint64_t metadata_count_ = 0;
  std::uint64_t tensor_count_ = 0;
};

}  // namespace pensieve::gguf
