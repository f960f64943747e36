// SHA-256, as lower-case hexadecimal.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pensieve {

std::string sha256_hex(std::string_view bytes);

// The same for bytes that come piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::span<const char> bytes);
  // Of all added; nothing may be added afterwards.
  [[nodiscard]] std::string hex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace pensieve
