// A model that turns texts into vectors, as the engine sees it.
#pragma once

#include <functional>

#include "base/result.h"
#include "generation/embedding.h"

namespace pensieve::engine {

// Called with the answer, on the thread that computed it.
using EmbeddingDone = std::function<void(Result<Embeddings>)>;

// Called between two batches of an embedding: others that compute on the thread have their turn. True if there
// are any, who then wait for the next batch.
using TakeTurns = std::function<bool()>;

// Used by one thread, but for abort().
class EmbeddingModel {
 public:
  virtual ~EmbeddingModel() = default;

  // Errors: kContextOverflow, kInvalidArgument (an empty input, a token or dimensions that the model does
  // not have), kUnsupported, kOutOfMemory, kCancelled (aborted). Blocks while it computes. `others` may be empty.
  virtual Result<Embeddings> embed(const EmbeddingRequest& request, const TakeTurns& others) = 0;

  // Ends a computation in progress and every later one soon. Any thread.
  virtual void abort() = 0;
};

// embed(), with what it throws as an error.
Result<Embeddings> embed_guarded(EmbeddingModel& model, const EmbeddingRequest& request, const TakeTurns& others);

}  // namespace pensieve::engine
