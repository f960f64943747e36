#include "base/ids.h"

#include <random>

namespace pensieve {

std::string random_id(std::string_view prefix, int length) {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  thread_local std::random_device device;
  std::uniform_int_distribution<std::size_t> pick(0, kAlphabet.size() - 1);
  std::string id(prefix);
  for (int i = 0; i < length; ++i) id += kAlphabet[pick(device)];
  return id;
}

}  // namespace pensieve
