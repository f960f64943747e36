// The thread that computes embeddings of a model made for them.
#pragma once

#include <memory>
#include <thread>

#include "engine/embedding_model.h"
#include "engine/mailbox.h"

namespace pensieve::engine {

// Takes requests in their order. The thread begins with the first one.
class EmbeddingThread {
 public:
  explicit EmbeddingThread(std::unique_ptr<EmbeddingModel> model) : model_(std::move(model)) {}
  ~EmbeddingThread();  // ends within one batch; open requests get no answer
  EmbeddingThread(const EmbeddingThread&) = delete;
  EmbeddingThread& operator=(const EmbeddingThread&) = delete;

  // By one thread; returns at once.
  void submit(EmbeddingRequest request, EmbeddingDone done);

 private:
  struct Submission {
    EmbeddingRequest request;
    EmbeddingDone done;
  };
  void run();

  std::unique_ptr<EmbeddingModel> model_;
  Mailbox<Submission> mail_;
  std::thread thread_;
};

}  // namespace pensieve::engine
