#include "catalog/pull_plan.h"

#include <algorithm>
#include <charconv>
#include <format>

#include "catalog/known_models.h"

namespace pensieve {
namespace {

std::string variable(const std::map<std::string, std::string>& environment, const char* name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string() : found->second;
}

std::string hub(const std::map<std::string, std::string>& environment) {
  std::string endpoint = variable(environment, "HF_ENDPOINT");
  while (endpoint.ends_with('/')) endpoint.pop_back();
  return endpoint.empty() ? "https://huggingface.co" : endpoint;
}

// A file name that stays in its folder.
Result<std::string> safe_name(std::string_view path) {
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const bool plain = std::ranges::all_of(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("-_.+ ").contains(c); });
  if (name.empty() || name.starts_with('.') || !plain || !name.ends_with(".gguf")) {
    return fail(ErrorCode::kInvalidArgument, std::format("'{}' does not end in the name of a .gguf file", path), "name a .gguf file",
                "model");
  }
  return std::string(name);
}

// "x-00001-of-00003.gguf" -> 3; 1 for any other name.
int parts_of(std::string_view name) {
  constexpr std::string_view kPattern = "-00001-of-00000.gguf";
  if (name.size() <= kPattern.size()) return 1;
  const std::string_view end = name.substr(name.size() - kPattern.size());
  if (!end.starts_with("-00001-of-")) return 1;
  int count = 1;
  std::from_chars(end.data() + 10, end.data() + 15, count);
  return std::clamp(count, 1, 1000);
}

PullPlan with_parts(const std::string& title, const std::string& url, const std::string& name, const std::filesystem::path& folder,
                    const std::string& bearer, const std::string& sha256) {
  PullPlan plan{.name = title};
  const int parts = parts_of(name);
  for (int part = 1; part <= parts; ++part) {
    const auto numbered = [&](std::string text) {
      const std::size_t at = text.rfind("-00001-of-");
      if (parts > 1 && at != std::string::npos) text.replace(at, 6, std::format("-{:05}", part));
      return text;
    };
    plan.files.push_back({numbered(url), folder / numbered(name), parts == 1 ? sha256 : std::string(), bearer});
  }
  return plan;
}

}  // namespace

Result<PullPlan> plan_pull(const std::string& what, const std::filesystem::path& folder,
                           const std::map<std::string, std::string>& environment, const std::string& sha256) {
  if (what.starts_with("http://") || what.starts_with("https://")) {
    const std::string path = what.substr(0, what.find_first_of("?#"));
    const std::string name = TRY(safe_name(path));
    return with_parts(name, what, name, folder, what.starts_with(hub(environment) + "/") ? variable(environment, "HF_TOKEN") : "", sha256);
  }
  if (std::ranges::count(what, '/') >= 2) {
    const std::string name = TRY(safe_name(what));
    const std::size_t file = what.find('/', what.find('/') + 1);
    const std::string url = std::format("{}/{}/resolve/main/{}", hub(environment), what.substr(0, file), what.substr(file + 1));
    return with_parts(what, url, name, folder, variable(environment, "HF_TOKEN"), sha256);
  }
  const KnownChoice choice = TRY(find_known(what));
  const std::string url = std::format("{}/{}/resolve/main/{}", hub(environment), choice.model->repository, choice.file->name);
  const std::string name = TRY(safe_name(choice.file->name));
  return with_parts(std::format("{}:{}", choice.model->name, choice.file->quantization), url, name, folder,
                    variable(environment, "HF_TOKEN"), sha256.empty() ? choice.file->sha256 : sha256);
}

}  // namespace pensieve
