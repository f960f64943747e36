#include "engine/embedding_model.h"

#include <exception>
#include <format>
#include <new>

namespace pensieve::engine {

Result<Embeddings> embed_guarded(EmbeddingModel& model, const EmbeddingRequest& request, const TakeTurns& others) {
  try {
    return model.embed(request, others);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kOutOfMemory, "no memory for the embeddings", "send fewer or shorter inputs");
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::format("the engine failed: {}", error.what()));
  }
}

}  // namespace pensieve::engine
