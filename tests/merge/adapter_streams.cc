// Requests with different adapters on one scheduler, held against the same tokens computed alone, and the
// price of a change of adapters. Prints JSON.
//
// adapter_streams BASE PROMPTS TOKENS REFERENCE [ADAPTER REFERENCE]...
//
// PROMPTS: a file with a prompt on each line, as text or as token numbers; prompt n is answered, in TOKENS
// tokens, with set n modulo the number of sets: none, the first adapter, the second and so on. REFERENCE: a
// model that gives by itself what the base gives with the set before it; "-": the base with the set.
#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <print>
#include <sstream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"
#include "engine/llama_model.h"
#include "engine/scheduler.h"

namespace {

using namespace pensieve;
using namespace pensieve::engine;

constexpr int kThreads = 1;

// A row of logits that a token was sampled from, with all that was read before it.
struct Row {
  std::vector<Token> before;
  std::vector<float> logits;
};

// The model, with each row of logits kept that is asked for.
class Recorded final : public BatchModel {
 public:
  explicit Recorded(LlamaModel& model) : model_(model) {}

  std::vector<Row> rows;

  bool warm_up() override { return model_.warm_up(); }
  void set_threads(std::int32_t decode, std::int32_t prefill) override { model_.set_threads(decode, prefill); }
  void abort() override { model_.abort(); }
  [[nodiscard]] const BatchLimits& limits() const override { return model_.limits(); }
  Result<AdapterSetPointer> load_adapters(std::span<const AdapterUse> adapters) override { return model_.load_adapters(adapters); }
  bool drop_outdated_adapters() override { return model_.drop_outdated_adapters(); }
  void release_adapters() override { model_.release_adapters(); }
  void use_adapters(const AdapterSetPointer& adapters) override { model_.use_adapters(adapters); }
  DecodeOutcome decode(std::span<const BatchToken> batch) override {
    const DecodeOutcome outcome = model_.decode(batch);
    if (outcome != DecodeOutcome::kDone) return outcome;
    ends_.clear();
    for (const BatchToken& token : batch) {
      held_[token.sequence].push_back(token.token);
      ends_.emplace_back(token.sequence, held_[token.sequence].size());
    }
    return outcome;
  }
  DecodeOutcome decode_image(const EncodableImage&, std::size_t, std::size_t, SequenceId, std::int32_t) override {
    return DecodeOutcome::kFailed;  // no request has images
  }
  std::span<float> logits(std::size_t index) override {
    const std::span<float> row = model_.logits(index);
    const auto [sequence, length] = ends_.at(index);
    const std::vector<Token>& held = held_[sequence];
    rows.push_back({{held.begin(), held.begin() + static_cast<std::ptrdiff_t>(length)}, {row.begin(), row.end()}});
    return row;
  }
  [[nodiscard]] std::size_t reusable_prefix(SequenceId sequence, std::size_t wanted) const override {
    return model_.reusable_prefix(sequence, wanted);
  }
  std::size_t truncate(SequenceId sequence, std::size_t length) override {
    const std::size_t kept = model_.truncate(sequence, length);
    held_[sequence].resize(kept);
    return kept;
  }
  void copy(SequenceId from, SequenceId to, std::size_t length) override {
    model_.copy(from, to, length);
    held_[to].assign(held_[from].begin(), held_[from].begin() + static_cast<std::ptrdiff_t>(length));
  }
  std::vector<char> checkpoint(SequenceId sequence) override { return model_.checkpoint(sequence); }
  bool rewind(SequenceId sequence, std::size_t length, std::span<const char> state) override {
    return model_.rewind(sequence, length, state);
  }
  [[nodiscard]] StateForm state_form() const override { return model_.state_form(); }
  std::vector<char> save_state(SequenceId sequence, std::size_t begin, std::size_t end) override {
    return model_.save_state(sequence, begin, end);
  }
  bool load_state(SequenceId sequence, std::size_t begin, std::size_t end, std::span<const char> state) override {
    return model_.load_state(sequence, begin, end, state);
  }

 private:
  LlamaModel& model_;
  std::map<SequenceId, std::vector<Token>> held_;
  std::vector<std::pair<SequenceId, std::size_t>> ends_;  // of the last batch: sequence, and its length with the token
};

Result<std::unique_ptr<LlamaModel>> open(const std::string& path) {
  return LlamaModel::open(
      {.path = path, .context_tokens = 2048, .max_sequences = 8, .threads = kThreads, .batch_threads = kThreads, .architecture = "llama"});
}

Result<AdapterSetPointer> set_of(LlamaModel& model, const std::string& adapter) {
  if (adapter.empty()) return AdapterSetPointer();
  const AdapterUse use[] = {{.name = adapter, .scale = 1.0, .path = adapter}};
  return model.load_adapters(use);
}

// What a set is computed with when it is alone.
struct Reference {
  std::string adapter;  // empty: none
  std::unique_ptr<LlamaModel> model;
  AdapterSetPointer set;
};

Result<Reference> reference_of(const std::string& base, const std::string& adapter, const std::string& path) {
  Reference reference{.adapter = adapter, .model = TRY(open(path == "-" ? base : path))};
  if (path == "-") reference.set = TRY(set_of(*reference.model, adapter));
  return reference;
}

std::vector<std::vector<Token>> prompts_of(const std::string& file, const LlamaVocabulary& vocabulary) {
  std::vector<std::vector<Token>> prompts;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    if (std::isdigit(static_cast<unsigned char>(line.front())) == 0) {
      prompts.push_back(vocabulary.tokenize(line, false));
      continue;
    }
    std::istringstream numbers(line);
    prompts.emplace_back();
    for (Token token = 0; numbers >> token;) prompts.back().push_back(token);
  }
  return prompts;
}

double largest_difference(std::span<const float> a, std::span<const float> b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) most = std::max<double>(most, std::abs(a[i] - b[i]));
  return most;
}

// The rows before each token of an answer, computed one after the other with nothing beside them.
std::vector<std::vector<float>> rows_alone(Reference& reference, std::span<const Token> prompt, std::span<const Token> answer) {
  LlamaModel& model = *reference.model;
  model.truncate(0, 0);
  model.use_adapters(reference.set);
  std::vector<std::vector<float>> rows;
  std::vector<BatchToken> batch;
  for (const Token token : prompt) batch.push_back({token, static_cast<std::int32_t>(batch.size()), 0, false});
  batch.back().wants_logits = true;
  auto position = static_cast<std::int32_t>(prompt.size());
  for (const Token token : answer) {
    if (model.decode(batch) != DecodeOutcome::kDone) return {};
    const std::span<float> row = model.logits(batch.size() - 1);
    rows.emplace_back(row.begin(), row.end());
    batch.assign(1, {token, position++, 0, true});
  }
  return rows;
}

// One stream against itself alone, and as a measure against itself with another set.
struct Comparison {
  std::size_t set = 0;
  std::size_t tokens = 0;
  std::size_t turned = 0;  // tokens that are not the first choice alone
  double widest_gap = 0;   // of these: how far the first choice is ahead
  double rounding = 0;     // largest difference of a logit
  double other_set = 0;    // the least, over the tokens, of the largest difference to another set's
};

Comparison compare(const std::vector<Row>& rows, std::span<const Token> prompt, Reference& own, Reference& other) {
  std::vector<const Row*> steps;
  for (const Row& row : rows) {
    if (row.before.size() >= prompt.size() && std::equal(prompt.begin(), prompt.end(), row.before.begin())) steps.push_back(&row);
  }
  Comparison result{.tokens = steps.size(), .other_set = 1e30};
  std::vector<Token> answer;
  for (const Row* step : steps) answer.push_back(static_cast<Token>(std::ranges::max_element(step->logits) - step->logits.begin()));
  const auto alone = rows_alone(own, prompt, answer);
  const auto foreign = rows_alone(other, prompt, answer);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    result.rounding = std::max(result.rounding, largest_difference(steps[i]->logits, alone.at(i)));
    result.other_set = std::min(result.other_set, largest_difference(steps[i]->logits, foreign.at(i)));
    const double gap = *std::ranges::max_element(alone[i]) - alone[i][static_cast<std::size_t>(answer[i])];
    result.turned += gap > 0 ? 1 : 0;
    result.widest_gap = std::max(result.widest_gap, gap);
  }
  return result;
}

// Milliseconds that one change of adapters adds to a step: single tokens, the sets by turns against one set
// after the other.
double change_ms(LlamaModel& model, std::span<const AdapterSetPointer> sets) {
  constexpr int kSteps = 12;  // of each set
  std::int32_t position = 0;
  const auto run = [&](bool by_turns) {
    const auto begin = std::chrono::steady_clock::now();
    for (int step = 0; step < kSteps * 2; ++step) {
      model.use_adapters(sets[static_cast<std::size_t>(by_turns ? step % 2 : step / kSteps)]);
      const BatchToken token[] = {{5, position++, 0, true}};
      if (model.decode(token) != DecodeOutcome::kDone) return std::nan("");
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  };
  model.truncate(0, 0);
  (void)run(true);
  std::vector<double> costs;
  for (int round = 0; round < 7; ++round) {
    const double grouped = run(false);
    costs.push_back((run(true) - grouped) / (2 * kSteps - 2));
  }
  std::ranges::sort(costs);
  return costs[costs.size() / 2];
}

struct Arguments {
  std::string base;
  std::string prompts;
  std::int64_t tokens = 0;
  std::vector<std::pair<std::string, std::string>> sets;  // adapter, reference
};

Result<void> run(const Arguments& arguments) {
  const std::unique_ptr<LlamaModel> model = TRY(open(arguments.base));
  std::vector<Reference> references;
  std::vector<AdapterSetPointer> sets;
  for (const auto& [adapter, path] : arguments.sets) {
    references.push_back(TRY(reference_of(arguments.base, adapter, path)));
    sets.push_back(TRY(set_of(*model, adapter)));
  }
  const auto prompts = prompts_of(arguments.prompts, model->vocabulary());
  Recorded recorded(*model);
  const SystemClock clock;
  std::size_t ended = 0;
  std::string wrong;
  Scheduler scheduler(
      recorded, model->vocabulary(), clock,
      [&](ipc::StreamId, const GenerationEvent& event) {
        ended += std::holds_alternative<Finished>(event) ? 1 : 0;
        if (const auto* failed = std::get_if<Failed>(&event)) wrong = failed->error.text();
      },
      [] { return 1U; });
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    PreparedRequest prepared{
        .stream = i + 1, .control = std::make_shared<StreamControl>(), .arrived = clock.steady_now(), .prompt = Prompt{prompts[i]}};
    prepared.request.sampling.temperature = 0;
    prepared.request.max_tokens = arguments.tokens;
    prepared.adapters = sets[i % sets.size()];
    scheduler.add(std::move(prepared));
  }
  while (scheduler.step()) {
  }
  if (ended != prompts.size()) return fail(ErrorCode::kInternal, "not every stream has ended: " + wrong);

  std::print("{{\"streams\": [");
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const std::size_t set = i % sets.size();
    const Comparison result = compare(recorded.rows, prompts[i], references[set], references[(set + 1) % sets.size()]);
    std::print("{}{{\"set\": {}, \"tokens\": {}, \"turned\": {}, \"widest_gap\": {:.6g}, \"rounding\": {:.6g}, \"other_set\": {:.6g}}}",
               i == 0 ? "" : ", ", set, result.tokens, result.turned, result.widest_gap, result.rounding, result.other_set);
  }
  const AdapterSetPointer turns[] = {sets[0], sets.back()};
  std::println("], \"change_ms\": {:.3f}}}", change_ms(*model, turns));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 7 || argc % 2 == 0) return 2;
  initialise_backends();
  Arguments arguments{.base = argv[1], .prompts = argv[2], .tokens = std::atoll(argv[3]), .sets = {{"", argv[4]}}};
  for (int i = 5; i + 1 < argc; i += 2) arguments.sets.emplace_back(argv[i], argv[i + 1]);
  const Result<void> done = run(arguments);
  if (!done) std::println(stderr, "{}", done.error().text());
  return done ? 0 : 1;
}
