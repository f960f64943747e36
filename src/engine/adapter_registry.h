// The adapters that a model has in memory.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "base/result.h"
#include "engine/adapter_set.h"
#include "engine/llama_api.h"
#include "generation/request.h"

namespace pensieve::engine {

// One adapter in memory; its end frees it.
class LoadedAdapter {
 public:
  LoadedAdapter(llama_adapter_lora* handle, std::shared_ptr<std::mutex> library) : handle_(handle), library_(std::move(library)) {}
  ~LoadedAdapter() {
    const std::scoped_lock lock(*library_);
    llama_adapter_lora_free(handle_);
  }
  LoadedAdapter(const LoadedAdapter&) = delete;
  LoadedAdapter& operator=(const LoadedAdapter&) = delete;

  [[nodiscard]] llama_adapter_lora* handle() const { return handle_; }

  // Its file is gone or another by now: nothing new uses it.
  std::atomic<bool> outdated = false;

 private:
  llama_adapter_lora* handle_;
  std::shared_ptr<std::mutex> library_;  // libllama keeps a list of a model's adapters, without a lock
};

// Adapters are loaded when a request first names them and stay while their file is there and the same.
// Any thread.
class AdapterRegistry {
 public:
  // `model` must outlive this and all that it has loaded.
  explicit AdapterRegistry(llama_model* model) : model_(model) {}

  // The set of these adapters; null if none has any effect. Errors: kNotFound (a file), kInvalidArgument
  // (not an adapter for this model). Blocks while reading.
  Result<AdapterSetPointer> load(std::span<const AdapterUse> uses);

  // Lets go of adapters whose files are gone or changed. True if there were any.
  bool drop_outdated();

 private:
  struct Entry {
    std::uintmax_t size = 0;
    std::filesystem::file_time_type time;
    std::shared_ptr<LoadedAdapter> adapter;
  };
  Result<Entry> load_file(const AdapterUse& use);

  llama_model* model_;
  std::shared_ptr<std::mutex> library_ = std::make_shared<std::mutex>();
  std::mutex mutex_;  // of entries_
  std::map<std::string, Entry> entries_;
};

}  // namespace pensieve::engine
