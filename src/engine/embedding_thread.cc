#include "engine/embedding_thread.h"

#include <utility>
#include <vector>

namespace pensieve::engine {
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
    for (Submission& submission : mail) submission.done(embed_guarded(*model_, submission.request, {}));
  }
}

}  // namespace pensieve::engine
