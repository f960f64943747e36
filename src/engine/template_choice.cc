#include "engine/template_choice.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <format>
#include <optional>

#include "engine/builtin_templates.h"

namespace pensieve::engine {
namespace {

std::optional<ChatTemplate> usable(const std::string& source, std::string_view origin, const Vocabulary& vocabulary) {
  if (source.empty()) return std::nullopt;
  auto parsed = ChatTemplate::parse(source, vocabulary.begin_text(), vocabulary.end_text());
  if (parsed) return *std::move(parsed);
  spdlog::warn("the {} chat template is not used: {}", origin, parsed.error().text());
  return std::nullopt;
}

Result<ChosenTemplate> built_in(const BuiltinTemplate& family, const Vocabulary& vocabulary) {
  auto parsed = TRY(ChatTemplate::parse(std::string(family.source), vocabulary.begin_text(), vocabulary.end_text()));
  ChosenTemplate chosen{std::move(parsed), std::format("built-in {}", family.name), {}};
  for (const std::string_view end : family.turn_ends) {
    if (!std::ranges::contains(vocabulary.control_texts(), end)) chosen.turn_ends.emplace_back(end);
  }
  return chosen;
}

}  // namespace

Result<ChosenTemplate> choose_template(const TemplateSources& sources, const Vocabulary& vocabulary) {
  const auto named = std::ranges::find(builtin_templates(), sources.configured, &BuiltinTemplate::name);
  if (named != builtin_templates().end()) return built_in(*named, vocabulary);
  if (auto chat = usable(sources.configured, "configured", vocabulary)) {
    return ChosenTemplate{*std::move(chat), "configured", {}};
  }
  if (auto chat = usable(sources.file, "file's", vocabulary)) {
    return ChosenTemplate{*std::move(chat), "file", {}};
  }
  return built_in(builtin_template_for(sources.architecture, sources.model_name, vocabulary.control_texts()), vocabulary);
}

}  // namespace pensieve::engine
