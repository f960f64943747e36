#include "api/admin/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/text_serializer.h>

#include <cstdint>
#include <iterator>
#include <sstream>

#include "monitor/level.h"

namespace pensieve::api {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Seconds. From a warm cache hit to a long prompt on a slow machine, and to a long answer.
const prometheus::Histogram::BucketBoundaries kFirstTokenBuckets{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180};
const prometheus::Histogram::BucketBoundaries kAnswerBuckets{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 180, 600, 1800};
const prometheus::Histogram::BucketBoundaries kEngineBuckets{0.001, 0.01, 0.1, 0.5, 1, 5, 10, 30, 60, 180, 600};

double seconds(std::chrono::nanoseconds elapsed) { return std::chrono::duration<double>(elapsed).count(); }

MetricFamily single(MetricType type, std::string name, std::string help, double value) {
  MetricFamily family{std::move(name), std::move(help), type, std::vector<ClientMetric>(1)};
  family.metric[0].counter.value = value;
  family.metric[0].gauge.value = value;
  return family;
}

template <typename Value>
MetricFamily per_model(const ServiceStatus& status, std::string name, std::string help, Value&& value) {
  MetricFamily family{std::move(name), std::move(help), MetricType::Gauge, {}};
  for (const ModelStatus& model : status.models) {
    ClientMetric metric;
    metric.label.push_back({"model", model.id});
    metric.gauge.value = static_cast<double>(value(model));
    family.metric.push_back(std::move(metric));
  }
  return family;
}

std::vector<MetricFamily> server_families(const ServiceStatus& status) {
  const auto counter = [](const char* name, const char* help, auto value) {
    return single(MetricType::Counter, name, help, static_cast<double>(value));
  };
  const auto gauge = [](const char* name, const char* help, auto value) {
    return single(MetricType::Gauge, name, help, static_cast<double>(value));
  };
  return {
      counter("pensieve_requests_total", "Generations asked for", status.requests_total),
      counter("pensieve_requests_failed_total", "Generations that failed", status.requests_failed),
      counter("pensieve_prompt_tokens_total", "Tokens of prompts", status.prompt_tokens_total),
      counter("pensieve_cached_prompt_tokens_total", "Prompt tokens read from the prefix cache", status.cached_prompt_tokens_total),
      counter("pensieve_completion_tokens_total", "Tokens of answers", status.completion_tokens_total),
      counter("pensieve_workers_lost_total", "Workers that died or hung", status.workers_lost),
      counter("pensieve_answers_continued_total", "Answers that went on in another worker after a part was sent", status.answers_continued),
      counter("pensieve_answers_retried_total", "Answers that were asked for again before any of it was sent", status.answers_retried),
      gauge("pensieve_spare_workers", "Workers ready for a model", status.spare_workers),
      gauge("pensieve_uptime_seconds", "Time since the start", status.uptime_seconds),
      gauge("pensieve_memory_total_bytes", "Memory of the machine", status.memory_total),
      gauge("pensieve_memory_available_bytes", "Memory that can be had", status.memory_available),
      gauge("pensieve_supervisor_resident_bytes", "Resident memory of the supervisor", status.supervisor_resident_bytes),
  };
}

// Signals that are unknown are left out.
std::vector<MetricFamily> monitor_families(const MonitorStatus& monitor) {
  std::vector<MetricFamily> families;
  const auto gauge = [&](const char* name, const char* help, double value) {
    families.push_back(single(MetricType::Gauge, name, help, value));
  };
  if (!monitor.enabled) return families;
  MetricFamily level{"pensieve_machine_level", "1 at the monitor's present level", MetricType::Gauge, {}};
  for (std::size_t i = 0; i < monitor::kLevelCount; ++i) {
    const std::string word(to_string(static_cast<monitor::Level>(i)));
    ClientMetric metric;
    metric.label.push_back({"level", word});
    metric.gauge.value = word == monitor.level ? 1 : 0;
    level.metric.push_back(std::move(metric));
  }
  families.push_back(std::move(level));
  MetricFamily signals{"pensieve_machine_signal", "What the machine's sensors say", MetricType::Gauge, {}};
  for (const SignalStatus& signal : monitor.signals) {
    if (!signal.value) continue;
    ClientMetric metric;
    metric.label = {{"signal", signal.name}, {"unit", signal.unit}};
    metric.gauge.value = *signal.value;
    signals.metric.push_back(std::move(metric));
  }
  if (!signals.metric.empty()) families.push_back(std::move(signals));
  if (monitor.score) gauge("pensieve_performance_score", "0 to 1: speed, free memory and coolness", *monitor.score);
  gauge("pensieve_throttle_pause_percent", "Pause after each step of the engine, of its time", monitor.throttle.pause_percent);
  gauge("pensieve_requests_open", "Requests under way or waiting", static_cast<double>(monitor.requests_open));
  gauge("pensieve_requests_open_limit", "Requests that may be under way or wait", static_cast<double>(monitor.queue_limit));
  return families;
}

std::vector<MetricFamily> model_families(const ServiceStatus& status) {
  using Model = const ModelStatus&;
  return {
      per_model(status, "pensieve_model_ready", "1 while the model is loaded",
                [](Model m) { return m.state == ModelState::kReady ? 1 : 0; }),
      per_model(status, "pensieve_model_pinned", "1 for a model that stays loaded", [](Model m) { return m.pinned ? 1 : 0; }),
      per_model(status, "pensieve_model_resident_bytes", "Resident memory of the model's worker", [](Model m) { return m.resident_bytes; }),
      per_model(status, "pensieve_model_weights_bytes", "Memory of the model's weights", [](Model m) { return m.weights_bytes; }),
      per_model(status, "pensieve_model_kv_bytes", "Memory of the model's KV cache", [](Model m) { return m.kv_bytes; }),
      per_model(status, "pensieve_model_compute_bytes", "Memory of the model's compute buffers", [](Model m) { return m.compute_bytes; }),
      per_model(status, "pensieve_model_active_requests", "Generations under way", [](Model m) { return m.active_requests; }),
      per_model(status, "pensieve_model_waiting_requests", "Generations that wait for a place", [](Model m) { return m.waiting_requests; }),
  };
}

}  // namespace

Metrics::Metrics()
    : first_token_(prometheus::BuildHistogram()
                       .Name("pensieve_time_to_first_token_seconds")
                       .Help("From a request's arrival to its first text")
                       .Register(registry_)),
      answer_(prometheus::BuildHistogram()
                  .Name("pensieve_answer_duration_seconds")
                  .Help("From a request's arrival to the end of its answer")
                  .Register(registry_)),
      engine_(prometheus::BuildHistogram()
                  .Name("pensieve_engine_seconds")
                  .Help("The engine's own times for an answer, by phase: queue, prefill, decode")
                  .Register(registry_)),
      outcomes_(prometheus::BuildCounter().Name("pensieve_generations_total").Help("Generations by how they ended").Register(registry_)),
      predictions_(prometheus::BuildCounter()
                       .Name("pensieve_predicted_tokens_total")
                       .Help("Tokens guessed ahead of answers, by outcome: accepted, rejected")
                       .Register(registry_)) {}

void Metrics::observe_first_token(std::string_view model, std::chrono::nanoseconds elapsed) {
  first_token_.Add({{"model", std::string(model)}}, kFirstTokenBuckets).Observe(seconds(elapsed));
}

void Metrics::observe_answer(std::string_view model, std::chrono::nanoseconds elapsed) {
  answer_.Add({{"model", std::string(model)}}, kAnswerBuckets).Observe(seconds(elapsed));
}

void Metrics::observe_engine(std::string_view model, const Timings& timings) {
  const auto observe = [&](const char* phase, std::int64_t elapsed_us) {
    engine_.Add({{"model", std::string(model)}, {"phase", phase}}, kEngineBuckets).Observe(seconds(std::chrono::microseconds(elapsed_us)));
  };
  observe("queue", timings.queue_us);
  observe("prefill", timings.prefill_us);
  observe("decode", timings.decode_us);
}

void Metrics::count_predictions(std::string_view model, const Usage& usage) {
  const auto count = [&](const char* outcome, std::int64_t tokens) {
    if (tokens > 0) predictions_.Add({{"model", std::string(model)}, {"outcome", outcome}}).Increment(static_cast<double>(tokens));
  };
  count("accepted", usage.accepted_prediction_tokens);
  count("rejected", usage.rejected_prediction_tokens);
}

void Metrics::count_outcome(std::string_view outcome) { outcomes_.Add({{"outcome", std::string(outcome)}}).Increment(); }

std::string Metrics::to_text(const ServiceStatus& status) const {
  std::vector<MetricFamily> families = server_families(status);
  std::ranges::move(monitor_families(status.monitor), std::back_inserter(families));
  std::ranges::move(model_families(status), std::back_inserter(families));
  std::ranges::move(registry_.Collect(), std::back_inserter(families));
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, families);
  return text.str();
}

}  // namespace pensieve::api
