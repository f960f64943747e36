#include "engine/embedding_thread.h"

#include <exception>
#include <format>
#include <new>
#include <utility>
#include <vector>

namespace pensieve::engine {
namespace {

Result<Embeddings> guarded(EmbeddingModel& model, const EmbeddingRequest& request) {
  try {
    return model.embed(request);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kOutOfMemory, "no memory for the embeddings", "send fewer or shorter inputs");
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, std::format("the engine failed: {}", error.what()));
  }
}

}  // namespace

EmbeddingThread::~EmbeddingThread() {
  mail_.close();
  model_->abort();
  if (thread_.joinable()) thread_.join();
}

void EmbeddingThread::submit(EmbeddingRequest request, EmbeddingDone done) {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  mail_.post({std::move(request), std::move(done)});
}

void EmbeddingThread::run() {
  std::vector<Submission> mail;
  while (mail_.take(mail, true)) {
    for (Submission& submission : mail) submission.done(guarded(*model_, submission.request));
  }
}

}  // namespace pensieve::engine
