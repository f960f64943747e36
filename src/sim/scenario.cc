#include "sim/scenario.h"

#include <algorithm>
#include <cmath>
#include <format>
#include <toml++/toml.hpp>

#include "sim/scenario_data.h"

namespace pensieve::sim {
namespace {

constexpr double kMostMinutes = 7 * 24 * 60;
constexpr std::int64_t kMostRequests = 200'000;
constexpr std::int64_t kMostTokens = 200'000;

std::unexpected<Error> wrong(std::string_view name, const std::string& what) {
  return fail(ErrorCode::kInvalidArgument, std::format("scenario {}: {}", name, what), "docs/simulation.md describes the file");
}

// Reads the members of one table and complains about those that nobody asked for.
class Reader {
 public:
  Reader(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

  void number(std::string_view key, double& into, double least, double most) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const auto value = node->value<double>();
    if (!value || !(*value >= least && *value <= most)) {
      return complain(std::format("{} must be a number from {} to {}", key, least, most));
    }
    into = *value;
  }
  void integer(std::string_view key, std::int64_t& into, std::int64_t least, std::int64_t most) {
    auto value = static_cast<double>(into);
    number(key, value, static_cast<double>(least), static_cast<double>(most));
    into = static_cast<std::int64_t>(value);
  }
  void text(std::string_view key, std::string& into) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    if (const auto value = node->value<std::string>()) return void(into = *value);
    complain(std::format("{} must be a string", key));
  }
  void range(std::string_view key, std::array<std::int64_t, 2>& into) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const toml::array* pair = node->as_array();
    const auto low = pair != nullptr && pair->size() == 2 ? (*pair)[0].value<std::int64_t>() : std::nullopt;
    const auto high = low ? (*pair)[1].value<std::int64_t>() : std::nullopt;
    if (!high || *low < 1 || *high < *low || *high > kMostTokens) {
      return complain(std::format("{} must be [least, most], from 1 to {}", key, kMostTokens));
    }
    into = {*low, *high};
  }
  // Weights by name; `set` returns false for a name that it does not know.
  template <typename Set>
  void weights(std::string_view key, Set set) {
    const toml::node* node = take(key);
    if (node == nullptr) return;
    const toml::table* names = node->as_table();
    if (names == nullptr) return complain(std::format("{} must be a table of weights", key));
    for (const auto& [name, weight] : *names) {
      const auto value = weight.value<double>();
      if (!value || !(*value >= 0 && *value <= 1e6)) return complain(std::format("{}.{} must be a weight", key, name.str()));
      if (!set(name.str(), *value)) return complain(std::format("{}.{} is not known", key, name.str()));
    }
  }
  const toml::node* take(std::string_view key) {
    taken_.emplace_back(key);
    return table_.get(key);
  }
  void complain(std::string what) {
    if (error_.empty()) error_ = std::format("{}{}", where_, what);
  }
  // The first complaint; empty: none.
  std::string finish() {
    for (const auto& [key, node] : table_) {
      if (!std::ranges::contains(taken_, key.str()))
        complain(std::format("'{}' is not known (line {})", key.str(), node.source().begin.line));
    }
    return error_;
  }

 private:
  const toml::table& table_;
  std::string where_;
  std::vector<std::string> taken_;
  std::string error_;
};

std::string read_others(const toml::table& table, std::string where, OthersPoint& point) {
  Reader reader(table, std::move(where));
  double gigabytes = 0;
  reader.number("minute", point.minute, 0, kMostMinutes);
  reader.number("memory_gb", gigabytes, 0, 4096);
  reader.number("bandwidth", point.bandwidth, 0, 0.9);
  reader.number("heat", point.heat, 0, 1);
  point.memory = Bytes{std::llround(gigabytes * 1e9)};
  return reader.finish();
}

std::string read_phase(const toml::table& table, std::string where, Phase& phase) {
  Reader reader(table, std::move(where));
  reader.text("name", phase.name);
  reader.number("from", phase.from, 0, kMostMinutes);
  reader.number("to", phase.to, 0, kMostMinutes);
  reader.integer("requests", phase.requests, 0, kMostRequests);
  reader.integer("turns", phase.turns, 1, 1000);
  reader.number("maximum_quality", phase.maximum_quality, 0, 1);
  reader.range("prompt_tokens", phase.prompt_tokens);
  reader.range("answer_tokens", phase.answer_tokens);
  reader.weights("classes", [&](std::string_view name, double weight) {
    for (std::size_t i = 0; i < 3; ++i) {
      if (selector::to_string(static_cast<selector::TaskClass>(i)) == name) return phase.classes[i] = weight, true;
    }
    return false;
  });
  reader.weights("domains", [&](std::string_view name, double weight) {
    for (std::size_t i = 0; i < selector::kDomainCount; ++i) {
      const auto domain = static_cast<selector::Domain>(i);
      if (selector::to_string(domain) == name) return phase.domains.emplace_back(domain, weight), true;
    }
    return false;
  });
  if (phase.domains.empty()) phase.domains.emplace_back(selector::Domain::kChat, 1);
  if (phase.to <= phase.from) reader.complain("to must be after from");
  return reader.finish();
}

std::string read_lie(const toml::table& table, std::string where, Lie& lie) {
  Reader reader(table, std::move(where));
  double temperature = -1;
  double percent = -1;
  reader.number("from", lie.from, 0, kMostMinutes);
  reader.number("to", lie.to, 0, kMostMinutes);
  reader.number("temperature", temperature, 0, 1000);
  reader.number("memory_percent", percent, 0, 100);
  if (temperature >= 0) lie.temperature = Celsius{temperature};
  if (percent >= 0) lie.memory_percent = percent;
  return reader.finish();
}

// The tables of an array, each read by `read` into one more element of `into`.
template <typename T, typename Read>
void read_array(Reader& reader, std::string_view key, std::vector<T>& into, Read read) {
  const toml::node* node = reader.take(key);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  if (array == nullptr) return reader.complain(std::format("{} must be an array of tables", key));
  for (const toml::node& entry : *array) {
    const std::string where = std::format("{}[{}]: ", key, into.size());
    if (!entry.is_table()) return reader.complain(where + "must be a table");
    if (std::string problem = read(*entry.as_table(), where, into.emplace_back()); !problem.empty()) return reader.complain(problem);
  }
}

void read_models(Reader& reader, std::vector<std::string>& models) {
  const toml::node* node = reader.take("models");
  const toml::array* array = node != nullptr ? node->as_array() : nullptr;
  if (array == nullptr || array->empty()) return reader.complain("models must name models of the catalog");
  for (const toml::node& entry : *array) {
    const auto name = entry.value<std::string>();
    if (!name) return reader.complain("models must be strings");
    models.push_back(*name);
  }
}

}  // namespace

Result<Scenario> parse_scenario(std::string_view toml, std::string name) {
  Scenario scenario{.name = std::move(name)};
  toml::table table;
  try {
    table = toml::parse(toml);
  } catch (const toml::parse_error& problem) {
    return wrong(scenario.name, std::format("line {}: {}", problem.source().begin.line, problem.description()));
  }
  Reader reader(table, "");
  reader.text("title", scenario.title);
  reader.number("minutes", scenario.minutes, 1, kMostMinutes);
  reader.number("ambient", scenario.ambient.value, -20, 60);
  reader.number("min_tokens_per_second", scenario.min_tokens_per_second, 0, 1e5);
  read_models(reader, scenario.models);
  read_array(reader, "others", scenario.others, read_others);
  read_array(reader, "phases", scenario.phases, read_phase);
  read_array(reader, "lies", scenario.lies, read_lie);
  if (scenario.minutes <= 0) reader.complain("minutes is missing");
  if (scenario.others.empty()) reader.complain("others is missing: what other programs take");
  if (!std::ranges::is_sorted(scenario.others, {}, &OthersPoint::minute)) reader.complain("others must be in order of time");
  if (scenario.requests() > kMostRequests) reader.complain(std::format("more than {} requests", kMostRequests));
  if (std::string problem = reader.finish(); !problem.empty()) return wrong(scenario.name, problem);
  return scenario;
}

OthersPoint Scenario::others_at(double minute) const {
  const auto next = std::ranges::upper_bound(others, minute, {}, &OthersPoint::minute);
  if (next == others.begin()) return others.front();
  if (next == others.end()) return others.back();
  const OthersPoint& before = *std::prev(next);
  const double share = (minute - before.minute) / (next->minute - before.minute);
  const auto between = [share](double a, double b) { return a + (b - a) * share; };
  return {.minute = minute,
          .memory = Bytes{std::llround(between(static_cast<double>(before.memory.value), static_cast<double>(next->memory.value)))},
          .bandwidth = between(before.bandwidth, next->bandwidth),
          .heat = between(before.heat, next->heat)};
}

std::int64_t Scenario::requests() const {
  std::int64_t sum = 0;
  for (const Phase& phase : phases) sum += phase.requests;
  return sum;
}

std::vector<std::string> shipped_scenario_names() {
  std::vector<std::string> names;
  for (const auto& [name, text] : kScenarios) names.emplace_back(name);
  return names;
}

Result<Scenario> shipped_scenario(std::string_view name) {
  std::string known;
  for (const auto& [shipped, text] : kScenarios) {
    if (shipped == name) return parse_scenario(text, std::string(shipped));
    known += (known.empty() ? "" : ", ") + std::string(shipped);
  }
  return fail(ErrorCode::kNotFound, std::format("there is no scenario '{}'", name), "name a file, or one of " + known);
}

}  // namespace pensieve::sim
