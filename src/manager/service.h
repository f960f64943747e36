// What the API layer asks of everything behind it. Runs on the supervisor's one event loop: all
// calls and completions happen on that thread, no locks.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "catalog/model_directory.h"
#include "generation/embedding.h"
#include "generation/event.h"
#include "generation/request.h"
#include "manager/monitor_status.h"

namespace pensieve {

// A generation under way. Destroying it cancels what is left of it within one engine step.
class GenerationStream {
 public:
  virtual ~GenerationStream() = default;

  // The next event, in order; ends with Finished or Failed, after which it must not be called. Empty
  // if none came within `patience`; nothing is lost then. Only one call at a time.
  virtual boost::asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds patience) = 0;

  // Id of the model that answers (X-Pensieve-Model). Changes where another model goes on with the answer.
  [[nodiscard]] virtual const std::string& model() const = 0;

  // In words, what the request gets less of than it asked for (X-Pensieve-Degraded): a smaller model, a
  // shorter context, a quantized cache; empty: nothing. May come up in mid-answer.
  [[nodiscard]] virtual std::string degraded() const { return {}; }
};

enum class ModelState : std::uint8_t { kUnloaded, kLoading, kReady, kUnloading, kFailed };
std::string_view to_string(ModelState state);

// A model as clients and people see it.
struct ModelStatus {
  std::string id;
  std::vector<std::string> aliases;  // roles and configured names that lead to it
  std::string path;
  std::string architecture;
  bool makes_embeddings = false;          // and can't answer
  std::vector<std::string> capabilities;  // beside text: "vision"
  std::string projector;                  // the file that it sees images with; empty: none
  std::string quantization;               // of most weight bytes, e.g. "Q4_1"
  std::vector<std::string> parents = {};  // names of the models that it was merged of
  std::int64_t file_bytes = 0;
  std::int64_t parameters = 0;
  std::int64_t created_unix = 0;  // modification time of the file
  std::int64_t trained_context_tokens = 0;
  std::int64_t context_tokens = 0;  // most tokens of one conversation, as it is or would be loaded
  ModelState state = ModelState::kUnloaded;
  std::string state_reason;  // why it failed or waits, and when it is tried again, or sees no images; empty otherwise
  bool pinned = false;       // stays loaded, whatever else wants its memory
  // The rest is 0 unless the model is loaded.
  std::int64_t worker_pid = 0;
  std::int64_t planned_bytes = 0;   // what the plan said before the load
  std::int64_t measured_bytes = 0;  // what the process held at most, as far as it was looked at
  std::int64_t resident_bytes = 0;  // what the process holds now
  std::int64_t mapped_bytes = 0;    // of planned_bytes: pages of the file, which the system can take back
  std::string cache_type;           // f16, q8_0, q4_0
  std::string reduced;              // in words, what it has less of than configured, for lack of memory
  std::int64_t weights_bytes = 0;
  std::int64_t kv_bytes = 0;
  std::int64_t compute_bytes = 0;
  std::int64_t load_ms = 0;
  std::int32_t active_requests = 0;
  std::int32_t waiting_requests = 0;
  std::int64_t idle_seconds = 0;
  std::int64_t idle_limit_seconds = -1;  // idle for longer, it is unloaded; negative: it is not
  double recent_uses = 0;                // each counts half after five minutes; what is used less goes first when memory is short
};

struct ServiceStatus {
  std::vector<ModelStatus> models;
  std::vector<SkippedFile> skipped;
  std::string default_model;  // what `auto` leads to now; empty: none
  std::int64_t memory_total = 0;
  std::int64_t memory_available = 0;
  std::int64_t supervisor_resident_bytes = 0;
  std::int64_t uptime_seconds = 0;
  std::uint64_t requests_total = 0;
  std::uint64_t requests_failed = 0;
  std::uint64_t answers_continued = 0;  // went on in another worker after a part was sent
  std::uint64_t answers_retried = 0;    // were asked again before that
  std::int64_t prompt_tokens_total = 0;
  std::int64_t cached_prompt_tokens_total = 0;
  std::int64_t completion_tokens_total = 0;
  std::int32_t spare_workers = 0;
  std::string spare_worker_reason;  // why there is none; empty otherwise
  std::uint64_t workers_lost = 0;
  MonitorStatus monitor;
};

class GenerationService {
 public:
  virtual ~GenerationService() = default;

  // Where the request leaves the choice of model to the server ("auto"): puts the chosen model's id in
  // its place. Called before generate() by who needs the model's name earlier. Fails as generate().
  virtual boost::asio::awaitable<Result<void>> choose(GenerationRequest& /*request*/) { co_return Result<void>(); }

  // Resolves the model, loads it if need be and starts generating. The Result fails for what can be
  // known before the first event (unknown model, overload, load failure); later failures are Failed
  // events. A prompt longer than the context fails with kContextOverflow before any text.
  virtual boost::asio::awaitable<Result<std::unique_ptr<GenerationStream>>> generate(GenerationRequest request) = 0;

  // Begins to load the model if it is not loaded. True once generate() need not wait for a load (it
  // is ready, or fails at once); false if that is not so within `patience`.
  virtual boost::asio::awaitable<bool> settled(std::string model, std::chrono::milliseconds patience) = 0;

  // Exact number of tokens of the request's prompt with the model's template.
  virtual boost::asio::awaitable<Result<std::int64_t>> count_tokens(GenerationRequest request) = 0;

  // Errors as generate's, and the engine's (EmbeddingModel::embed). Where the choice of model is the
  // server's, one made for embeddings is taken, if there is one.
  virtual boost::asio::awaitable<Result<Embeddings>> embed(EmbeddingRequest request) = 0;

  // Loads or unloads by id, alias or role; completes when done. Unloading waits for running requests,
  // holding new ones back, and takes a pin away.
  virtual boost::asio::awaitable<Result<void>> load(std::string model) = 0;
  virtual boost::asio::awaitable<Result<void>> unload(std::string model) = 0;

  // A pinned model is loaded when it can be and never unloaded to make room or for idleness. Error
  // kNotFound; kUnsupported where the service has no models of its own.
  virtual Result<void> pin(std::string_view model, bool /*pinned*/) {
    return fail(ErrorCode::kUnsupported, std::string("can't pin '").append(model).append("'"));
  }
  // How long the model stays loaded after its last use, from now on: 0: no longer than it is in use;
  // negative: until the memory is needed; empty: as configured (engine.idle_unload_s). Errors as pin().
  virtual Result<void> keep(std::string_view model, std::optional<std::chrono::seconds> /*idle*/) {
    return fail(ErrorCode::kUnsupported, std::string("can't keep '").append(model).append("'"));
  }

  // The model that `name` leads to now, without loading it.
  [[nodiscard]] virtual Result<ModelStatus> find(std::string_view name) const = 0;
  [[nodiscard]] virtual ServiceStatus status() const = 0;
};

}  // namespace pensieve
