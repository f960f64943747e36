#include "engine/engine.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <format>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>

#include "engine/llama_model.h"
#include "engine/prompt_builder.h"
#include "engine/scheduler.h"

namespace pensieve::engine {
namespace {

struct CancelJob {
  ipc::StreamId stream;
};
struct PauseJob {
  ipc::StreamId stream;
  bool paused;
};
struct RejectJob {
  ipc::StreamId stream;
  Error error;
};
using Command = std::variant<Job, CancelJob, PauseJob, RejectJob>;

Error overflow(std::int64_t tokens, std::int64_t maximum) {
  return {ErrorCode::kContextOverflow,
          std::format("prompt is too long: {} tokens > {} maximum", tokens, maximum), "", "messages"};
}

class LlamaEngine final : public Engine {
 public:
  LlamaEngine(std::unique_ptr<LlamaModel> model, PromptBuilder prompts, EventSink sink)
      : model_(std::move(model)),
        prompts_(std::move(prompts)),
        loaded_(model_->loaded()),
        sink_(std::move(sink)),
        scheduler_(*model_, clock_, static_cast<std::int32_t>(loaded_.max_sequences), sink_),
        thread_([this](const std::stop_token& stop) { run(stop); }) {
    loaded_.chat_template_source = prompts_.source();
  }

  ~LlamaEngine() override {
    thread_.request_stop();
    wake_.notify_all();
  }

  [[nodiscard]] const ipc::Loaded& loaded() const override { return loaded_; }

  void submit(ipc::StreamId stream, GenerationRequest request) override {
    Result<Job> job = make_job(stream, std::move(request));
    post(job ? Command(std::move(*job)) : Command(RejectJob{stream, std::move(job).error()}));
  }

  void cancel(ipc::StreamId stream) override { post(CancelJob{stream}); }
  void pause(ipc::StreamId stream, bool paused) override { post(PauseJob{stream, paused}); }

  [[nodiscard]] Result<std::int64_t> count_tokens(const GenerationRequest& request) const override {
    return std::ssize(TRY(prompts_.build(request)));
  }

  [[nodiscard]] EngineProgress progress() const override {
    const std::int64_t since = step_since_us_.load();
    return {.steps = steps_.load(),
            .step_age_us = since == 0 ? 0 : now_us() - since,
            .active_sequences = active_.load(),
            .waiting_requests = waiting_.load()};
  }

 private:
  [[nodiscard]] std::int64_t now_us() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               clock_.steady_now().time_since_epoch())
        .count();
  }

  Result<Job> make_job(ipc::StreamId stream, GenerationRequest request) const {
    Job job{.stream = stream, .prompt = TRY(prompts_.build(request)), .submitted = clock_.steady_now()};
    const std::int64_t most = std::int64_t{loaded_.sequence_context_tokens} - 1;
    if (std::ssize(job.prompt) > most) {
      return std::unexpected(overflow(std::ssize(job.prompt), most));
    }
    for (const LogitBias& bias : request.sampling.logit_bias) {
      if (bias.token >= 0 && bias.token < model_->vocabulary_size()) continue;
      return fail(ErrorCode::kInvalidArgument,
                  std::format("logit_bias: token {} is not in the model's vocabulary of {}",
                              bias.token, model_->vocabulary_size()),
                  "", "logit_bias");
    }
    job.sampling = std::move(request.sampling);
    job.stop = std::move(request.stop);
    job.max_tokens = request.max_tokens.value_or(INT64_MAX);
    job.top_logprobs = request.top_logprobs;
    if (request.echo_prompt) job.echo = text_of(job.prompt, request);
    return job;
  }

  [[nodiscard]] std::string text_of(const std::vector<Token>& tokens,
                                    const GenerationRequest& request) const {
    if (request.prompt_kind == PromptKind::kText) return request.prompt;
    std::string text;
    for (const Token token : tokens) text += model_->piece(token);
    return text;
  }

  void post(Command command) {
    {
      const std::scoped_lock lock(mutex_);
      mailbox_.push_back(std::move(command));
    }
    wake_.notify_one();
  }

  void handle(Command command) {
    if (auto* job = std::get_if<Job>(&command)) scheduler_.submit(std::move(*job));
    if (const auto* cancel = std::get_if<CancelJob>(&command)) scheduler_.cancel(cancel->stream);
    if (const auto* pause = std::get_if<PauseJob>(&command)) {
      scheduler_.pause(pause->stream, pause->paused);
    }
    if (auto* reject = std::get_if<RejectJob>(&command)) {
      sink_(reject->stream, Failed{std::move(reject->error)});
    }
  }

  void run(const std::stop_token& stop) {
    bool work = false;
    while (!stop.stop_requested()) {
      std::vector<Command> commands;
      {
        std::unique_lock lock(mutex_);
        if (!work) wake_.wait(lock, stop, [this] { return !mailbox_.empty(); });
        commands.swap(mailbox_);
      }
      for (Command& command : commands) handle(std::move(command));
      if (stop.stop_requested()) return;
      step_since_us_ = now_us();
      work = scheduler_.step();
      step_since_us_ = 0;
      if (work) ++steps_;
      active_ = scheduler_.active();
      waiting_ = scheduler_.waiting();
    }
  }

  SystemClock clock_;
  std::unique_ptr<LlamaModel> model_;
  PromptBuilder prompts_;
  ipc::Loaded loaded_;
  EventSink sink_;
  Scheduler scheduler_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Command> mailbox_;
  std::atomic<std::uint64_t> steps_ = 0;
  std::atomic<std::int64_t> step_since_us_ = 0;
  std::atomic<std::uint32_t> active_ = 0;
  std::atomic<std::uint32_t> waiting_ = 0;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace

Result<std::unique_ptr<Engine>> load(const ipc::LoadModel& settings, EventSink sink) {
  try {
    std::unique_ptr<LlamaModel> model = TRY(LlamaModel::open(settings));
    const std::string file_template = model->file_template();
    PromptBuilder prompts =
        TRY(PromptBuilder::create(*model, settings.chat_template, file_template,
                                  std::filesystem::path(settings.path).filename().string()));
    return std::make_unique<LlamaEngine>(std::move(model), std::move(prompts), std::move(sink));
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kOutOfMemory, std::format("no memory to open '{}'", settings.path));
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::format("opening '{}': {}", settings.path, error.what()));
  }
}

}  // namespace pensieve::engine
