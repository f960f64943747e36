#include <chrono>
#include <cstdio>
#include <format>
#include <print>

#include "api/json_value.h"
#include "background.h"
#include "cli.h"
#include "client/http_client.h"

namespace pensieve::cli {
namespace {

struct Options {
  std::string question;
  std::string model = "auto";
  std::string system;
  int max_tokens = 512;
};

// Prints the answer as it streams in, then its figures on stderr.
class AnswerPrinter {
 public:
  void on_data(std::string_view data) {
    if (data == "[DONE]") return;
    const Result<api::Json> chunk = api::parse_body(data);
    if (!chunk) return;
    const auto& fields = chunk->get_object();
    if (fields.contains("error")) failure_ = std::string(data);
    if (fields.contains("model")) model_ = fields.at("model").get_string();
    if (const auto usage = fields.find("usage"); usage != fields.end() && usage->second.is_object()) {
      tokens_ = usage->second["completion_tokens"].get_number();
    }
    const auto choices = fields.find("choices");
    if (choices == fields.end() || choices->second.get_array().empty()) return;
    const auto& delta = choices->second.get_array().front()["delta"].get_object();
    const auto content = delta.find("content");
    if (content == delta.end() || !content->second.is_string() || content->second.get_string().empty()) return;
    last_ = std::chrono::steady_clock::now();
    if (first_ == std::chrono::steady_clock::time_point{}) first_ = last_;
    std::print("{}", content->second.get_string());
    std::fflush(stdout);
  }

  Result<void> finish() const {
    std::println("");
    std::fflush(stdout);
    if (!failure_.empty()) return fail(ErrorCode::kInternal, std::format("the answer broke off: {}", failure_), "try again");
    if (tokens_ < 1) return {};
    const std::chrono::duration<double> ttft = first_ - begin_;
    const std::chrono::duration<double> decode = last_ - first_;
    std::println(stderr, "[{}: first token after {:.0f} ms, {:.0f} tokens, {:.1f} tok/s]", model_, ttft.count() * 1000, tokens_,
                 decode.count() > 0 ? (tokens_ - 1) / decode.count() : 0.0);
    return {};
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point first_;
  std::chrono::steady_clock::time_point last_;
  double tokens_ = 0;
  std::string model_;
  std::string failure_;
};

}  // namespace

void add_run(CLI::App& app, Run& chosen) {
  static Options options;
  CLI::App* command = add_command(app, "run", "Ask one question and stream the answer", "pensieve run \"What is a mutex?\"", chosen, []() -> Result<void> {
    const Paths where = TRY(paths());
    const ServerRecord server = TRY(ensure_server(where));
    const std::string system = options.system.empty() ? "" : std::format(R"({{"role":"system","content":{}}},)", api::json_string(options.system));
    const std::string body =
        std::format(R"({{"model":{},"stream":true,"stream_options":{{"include_usage":true}},"temperature":0.2,"max_tokens":{},"messages":[{}{{"role":"user","content":{}}}]}})",
                    api::json_string(options.model), options.max_tokens, system, api::json_string(options.question));
    AnswerPrinter printer;
    TRY_VOID(http_stream(server.url + "/v1/chat/completions", body, [&](std::string_view data) { printer.on_data(data); }));
    return printer.finish();
  });
  command->add_option("question", options.question, "the question")->required();
  command->add_option("-m,--model", options.model, "id, role, alias or auto")->capture_default_str();
  command->add_option("--system", options.system, "system prompt");
  command->add_option("--max-tokens", options.max_tokens, "longest answer")->capture_default_str()->check(CLI::Range(1, 1'000'000));
}

}  // namespace pensieve::cli
