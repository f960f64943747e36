#include "engine/llama_log.h"

#include <spdlog/spdlog.h>

#include <charconv>
#include <mutex>

#include "engine/llama_api.h"

namespace pensieve::engine {
namespace {

struct Line {
  ggml_log_level level = GGML_LOG_LEVEL_NONE;
  std::string text;
};

// The callback is the process's, called from any thread; so its state is too.
struct Router {
  std::mutex mutex;
  Line unfinished;
  bool capturing = false;
  std::vector<Line> captured;
};

Router& router() {
  static Router instance;
  return instance;
}

void finish_line(Router& state) {
  Line line = std::move(state.unfinished);
  state.unfinished = {};
  if (line.text.find_first_not_of(". ") == std::string::npos) return;  // progress dots
  if (line.level == GGML_LOG_LEVEL_ERROR) {
    spdlog::warn("libllama: {}", line.text);
  } else {
    spdlog::debug("libllama: {}", line.text);
  }
  if (state.capturing) state.captured.push_back(std::move(line));
}

void receive(ggml_log_level level, const char* text, void* /*unused*/) {
  Router& state = router();
  const std::scoped_lock lock(state.mutex);
  if (level != GGML_LOG_LEVEL_CONT) state.unfinished.level = level;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    state.unfinished.text.append(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    finish_line(state);
    state.unfinished.level = level;
    rest.remove_prefix(end + 1);
  }
}

}  // namespace

void route_llama_log() { llama_log_set(receive, nullptr); }

LlamaLogCapture::LlamaLogCapture() {
  const std::scoped_lock lock(router().mutex);
  router().captured.clear();
  router().capturing = true;
}

LlamaLogCapture::~LlamaLogCapture() {
  const std::scoped_lock lock(router().mutex);
  router().capturing = false;
  router().captured.clear();
}

std::vector<std::string> LlamaLogCapture::lines() const {
  const std::scoped_lock lock(router().mutex);
  std::vector<std::string> lines;
  for (const Line& line : router().captured) lines.push_back(line.text);
  return lines;
}

std::string LlamaLogCapture::errors() const {
  const std::scoped_lock lock(router().mutex);
  std::string joined;
  for (const Line& line : router().captured) {
    if (line.level != GGML_LOG_LEVEL_ERROR) continue;
    const std::size_t name_end = line.text.find(": ");
    const bool has_name = name_end != std::string::npos && line.text.find(' ') == name_end + 1;  // one word before the colon
    if (!joined.empty()) joined += "; ";
    joined += has_name ? line.text.substr(name_end + 2) : line.text;
  }
  return joined;
}

Bytes sum_of_sizes(const std::vector<std::string>& lines, const std::vector<std::string_view>& names) {
  Bytes sum;
  for (const std::string_view line : lines) {
    for (const std::string_view name : names) {
      const std::size_t at = line.find(name);
      if (at == std::string_view::npos) continue;
      std::string_view figure = line.substr(at + name.size());
      figure.remove_prefix(std::min(figure.find_first_of("0123456789"), figure.size()));
      double mebibyte_count = 0;
      std::from_chars(figure.data(), figure.data() + figure.size(), mebibyte_count);
      sum.value += static_cast<std::int64_t>(mebibyte_count * 1024 * 1024);
      break;
    }
  }
  return sum;
}

}  // namespace pensieve::engine
