#include <print>

int main() {
  std::println("pensieve");
  return 0;
}
