#include "engine/adapter_registry.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <format>
#include <system_error>
#include <tuple>

#include "base/sha256.h"
#include "engine/llama_log.h"

namespace pensieve::engine {
namespace {

namespace fs = std::filesystem;

std::vector<Token> invocation_of(const llama_adapter_lora* adapter) {
  const llama_token* tokens = llama_adapter_get_alora_invocation_tokens(adapter);
  const auto count = llama_adapter_get_alora_n_invocation_tokens(adapter);
  return tokens == nullptr ? std::vector<Token>() : std::vector<Token>(tokens, tokens + count);
}

}  // namespace

Result<AdapterRegistry::Entry> AdapterRegistry::load_file(const AdapterUse& use) {
  std::error_code error;
  Entry entry{.size = fs::file_size(use.path, error)};
  if (!error) entry.time = fs::last_write_time(use.path, error);
  if (error) {
    return fail(ErrorCode::kNotFound, std::format("the adapter '{}' can't be read: {}", use.name, error.message()),
                "`pensieve adapter list` shows what is installed", "lora");
  }
  const auto found = entries_.find(use.path);
  if (found != entries_.end() && found->second.size == entry.size && found->second.time == entry.time) return found->second;
  const LlamaLogCapture log;
  llama_adapter_lora* handle = nullptr;
  std::string reason;
  {
    const std::scoped_lock lock(*library_);
    try {
      handle = llama_adapter_lora_init(model_, use.path.c_str());
    } catch (const std::exception& thrown) {
      reason = thrown.what();
    }
  }
  if (handle == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                std::format("the adapter '{}' does not load: {}", use.name, reason.empty() ? log.errors() : reason),
                "use it with the model that it was trained for", "lora");
  }
  entry.adapter = std::make_shared<LoadedAdapter>(handle, library_);
  if (found != entries_.end()) found->second.adapter->outdated = true;
  entries_[use.path] = entry;
  return entry;
}

Result<AdapterSetPointer> AdapterRegistry::load(std::span<const AdapterUse> uses) {
  std::vector<const AdapterUse*> order;
  for (const AdapterUse& use : uses) {
    if (use.scale.value_or(1) != 0) order.push_back(&use);
  }
  if (order.empty()) return AdapterSetPointer();
  // The order has no meaning, so it makes no other set.
  std::ranges::sort(order, {}, [](const AdapterUse* use) { return std::tuple(use->path, use->scale); });
  auto set = std::make_shared<AdapterSet>();
  std::string identity;
  const std::scoped_lock lock(mutex_);
  for (const AdapterUse* use : order) {
    const Entry entry = TRY(load_file(*use));
    set->adapters.push_back(entry.adapter);
    set->scales.push_back(static_cast<float>(use->scale.value_or(1)));
    identity += std::format("{}\n{} {} {}\n", use->path, entry.size, entry.time.time_since_epoch().count(), set->scales.back());
  }
  // An activated adapter among others would act on a part of what they act on: taken as an ordinary one.
  if (set->adapters.size() == 1) set->invocation = invocation_of(set->adapters.front()->handle());
  const std::string hash = sha256_hex(identity);
  std::from_chars(hash.data(), hash.data() + 2 * sizeof set->key, set->key, 16);
  return AdapterSetPointer(std::move(set));
}

bool AdapterRegistry::drop_outdated() {
  // Not while one is loaded: who asks must not wait, and asks again.
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) return false;
  return std::erase_if(entries_, [](const auto& item) {
           const auto& [path, entry] = item;
           std::error_code error;
           const bool same = fs::file_size(path, error) == entry.size && !error && fs::last_write_time(path, error) == entry.time && !error;
           if (!same) entry.adapter->outdated = true;
           return !same;
         }) > 0;
}

}  // namespace pensieve::engine
