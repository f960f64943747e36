// A model that turns texts into vectors, as the engine sees it.
#pragma once

#include <functional>

#include "base/result.h"
#include "generation/embedding.h"

namespace pensieve::engine {

// Called with the answer, on the thread that computed it.
using EmbeddingDone = std::function<void(Result<Embeddings>)>;

// Used by one thread, but for abort().
class EmbeddingModel {
 public:
  virtual ~EmbeddingModel() = default;

  // Errors: kContextOverflow, kInvalidArgument (an empty input, a token or dimensions that the model does
  // not have), kUnsupported, kOutOfMemory, kCancelled (aborted). Blocks while it computes.
  virtual Result<Embeddings> embed(const EmbeddingRequest& request) = 0;

  // Ends a computation in progress and every later one soon. Any thread.
  virtual void abort() = 0;
};

}  // namespace pensieve::engine
