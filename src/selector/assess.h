// Judges a request: how hard, of which kind, how long, and what it needs.
#pragma once

#include "generation/request.h"
#include "selector/assessment.h"
#include "selector/conversation.h"
#include "selector/weights.h"

namespace pensieve::selector {

// Keeps working memory between requests; one for each thread.
class Assessor {
 public:
  // `weights` must outlive this.
  explicit Assessor(const RoutingWeights& weights) : weights_(&weights) {}

  // Deterministic; any request is accepted. Time is bounded by kScanLimit for each of at most two
  // texts, plus a few operations for each message.
  Assessment assess(const GenerationRequest& request);

 private:
  // Estimate of one text, and whether it is a question by itself ("which branch is this on?").
  struct Judged {
    TextEstimate estimate;
    bool question = false;
  };
  Judged judge(std::string_view text);
  TextEstimate judge_task(const TaskText& task);

  const RoutingWeights* weights_;
  FeatureExtractor extractor_;
};

// What a model must offer for `request`; answer length by class.
Needs needs_of(const GenerationRequest& request, TaskClass task_class);

}  // namespace pensieve::selector
