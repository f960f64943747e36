// Runs a fuzzer's target over the files of a folder, as an ordinary test: replay FOLDER. Links with
// one *_fuzz.cc. A file that breaks a promise ends the process, after its name was printed.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <print>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** arguments) {
  std::error_code error;
  std::size_t files = 0;
  const std::filesystem::path folder = count > 1 ? arguments[1] : "";
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    std::println("{}", entry.path().filename().string());
    std::fflush(stdout);
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (!file) break;
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ++files;
  }
  if (files > 0) return 0;
  std::println(stderr, "error: no input in '{}'; add the fuzzer's seeds there", folder.string());
  return 1;
}
