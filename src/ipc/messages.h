// What supervisor and worker say to each other: the one place where both sides meet.
//
// Each frame on the socket (ipc/frame.h) carries one ToWorker or FromWorker as BEVE. The first
// frame in each direction is a Hello; sides of different versions part with a clear error. The
// supervisor trusts nothing a worker sends (a worker reads untrusted model files) and the other way
// round: a frame that does not decode ends the connection, never the process.
//
// Flow: Hello/Hello -> LoadModel -> Loaded | LoadFailed -> any number of Generate, each answered by
// StreamEvents up to a terminal one. A stream may have kInitialCredits events in flight; the
// supervisor returns credits as the client takes them. A worker out of credits merges the text that
// follows into one pending event and, past kMaxPendingBytes, leaves that sequence out of its
// batches until credits come.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "generation/embedding.h"
#include "generation/event.h"
#include "generation/request.h"

namespace pensieve::ipc {

inline constexpr std::uint32_t kProtocolVersion = 3;
inline constexpr std::int32_t kInitialCredits = 64;
inline constexpr std::size_t kMaxPendingBytes = 64 * 1024;

// Identifies one stream on one connection; chosen by the supervisor, never reused.
using StreamId = std::uint64_t;

// A compute device that ggml found.
struct Device {
  std::string name;
  std::string description;
  std::string kind;  // "cpu", "gpu", "integrated_gpu", "accelerator"
  std::int64_t memory_total = 0;
  std::int64_t memory_free = 0;
};

// Both sides' first frame.
struct Hello {
  std::uint32_t version = kProtocolVersion;
  std::int64_t pid = 0;
  std::string engine;           // the engine and its version, from the worker; else empty
  std::vector<Device> devices;  // from the worker; else empty
};

// How a model is to be opened. Zeros mean "the engine's choice", stated in Loaded.
struct LoadModel {
  std::string model_id;              // for logs
  std::string path;                  // GGUF file (first part of a split file)
  std::uint32_t context_tokens = 0;  // cells of the whole cache; 0: the trained context, at most 8192
  std::uint32_t max_sequences = 0;   // most requests in one batch; 0: 8
  std::uint32_t batch_tokens = 0;    // most tokens in one step; 0: 512
  std::int32_t threads = 0;          // decode threads; 0: physical cores
  std::int32_t batch_threads = 0;    // prefill threads; 0: physical cores
  std::int32_t gpu_layers = -1;      // -1: all that a device takes
  std::string cache_type = "f16";    // K and V: f16, q8_0, q4_0
  std::string architecture;          // with experts_used: what the file's keys begin with
  std::uint32_t experts_used = 0;    // of a mixture of experts, instead of the file's number; 0: as the file says
  std::string chat_template;         // overrides the file's; empty: the file's or a built-in one
  std::string state_folder;          // where conversations are kept when they leave the cache; empty: nowhere
  std::int64_t state_bytes = 0;      // most that all models together may keep there
  bool speculation = true;           // guess tokens ahead where that pays
  std::string projector;             // GGUF file that turns images into what the model reads; empty: none
};

struct Generate {
  StreamId stream = 0;
  GenerationRequest request;
};

struct Cancel {
  StreamId stream = 0;
};

struct Credit {
  StreamId stream = 0;
  std::int32_t events = 0;
};

// Tokens that `request`'s prompt takes, template included; answered by TokenCount.
struct CountTokens {
  StreamId stream = 0;
  GenerationRequest request;
};

// Answered by EmbeddingAnswer.
struct Embed {
  StreamId stream = 0;
  EmbeddingRequest request;
};

struct Ping {
  std::uint64_t sequence = 0;
};

// What of its speed the worker gives up, from the next step on. Replaces the one before; zeros: nothing.
struct Throttle {
  std::int32_t threads = 0;        // decode threads; 0: as loaded
  std::int32_t batch_threads = 0;  // prefill threads; 0: as loaded
  std::uint32_t batch_tokens = 0;  // most tokens in one step; 0: as loaded
  std::uint32_t max_active = 0;    // most requests in one batch; 0: as loaded
  std::int32_t pause_percent = 0;  // pause after each step, of that step's time
  bool operator==(const Throttle&) const = default;
};

// Finish no answer, keep the conversations (LoadModel::state_folder), exit 0.
struct Shutdown {};

using ToWorker = std::variant<Hello, LoadModel, Generate, Cancel, Credit, CountTokens, Embed, Ping, Shutdown, Throttle>;

// What was really opened, in the engine's own figures.
struct Loaded {
  std::string architecture;
  std::uint32_t context_tokens = 0;           // cells of the whole cache
  std::uint32_t sequence_context_tokens = 0;  // most tokens that one conversation can have
  std::uint32_t trained_context_tokens = 0;
  std::uint32_t max_sequences = 0;
  std::uint32_t vocabulary_size = 0;
  std::int32_t threads = 0;
  std::int32_t batch_threads = 0;
  std::int64_t weights_bytes = 0;
  std::int64_t kv_bytes = 0;
  std::int64_t compute_bytes = 0;
  std::int64_t load_us = 0;
  std::string chat_template_source;  // "file", "built-in chatml", "configured", ...
  bool reads_images = false;
  std::string projector_failure;  // why the projector that was asked for is not used
};

struct LoadFailed {
  Error error;
};

struct StreamEvent {
  StreamId stream = 0;
  GenerationEvent event;
};

struct TokenCount {
  StreamId stream = 0;
  std::int64_t tokens = 0;
  Error error;  // meaningful if `failed`
  bool failed = false;
};

struct EmbeddingAnswer {
  StreamId stream = 0;
  Embeddings embeddings;
  Error error;  // meaningful if `failed`
  bool failed = false;
};

// Answer to Ping, sent by the worker's socket thread. The engine thread's state tells a busy worker
// from a stuck one.
struct Pong {
  std::uint64_t sequence = 0;
  std::uint64_t steps = 0;          // engine steps completed since start
  std::int64_t step_age_us = 0;     // time that the step in progress has taken; 0: none in progress
  std::int64_t resident_bytes = 0;  // of this process
  std::uint32_t active_sequences = 0;
  std::uint32_t waiting_requests = 0;
};

using FromWorker = std::variant<Hello, Loaded, LoadFailed, StreamEvent, TokenCount, EmbeddingAnswer, Pong>;

}  // namespace pensieve::ipc
