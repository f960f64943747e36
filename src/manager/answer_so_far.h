// What a client has of an answer, and the request that goes on from there. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "generation/event.h"
#include "generation/request.h"

namespace pensieve {

// Sees every event of an answer, from whichever worker, on its way to the client.
//
// Text is passed on as it comes. It ends in no beginning of a stop string, which the engine holds
// back, so that none can lie across the seam. The first tool call is passed on as it is written: who goes on
// is held to what the client has of it. Further ones are held until they are whole. After a whole call
// was sent the answer can only end, as clients run it and ask again.
class AnswerSoFar {
 public:
  // `request` is the client's. `may_move`: false where nobody would go on; tool calls come as written then.
  explicit AnswerSoFar(GenerationRequest request, bool may_move = true);

  // What the first worker is asked: the client's request, and for a prompt of tokens its text, which
  // the model that goes on reads with another vocabulary.
  [[nodiscard]] GenerationRequest first_request() const;

  // Takes a worker's event and adds to `out` what the client gets now.
  void pass(GenerationEvent event, std::deque<GenerationEvent>& out);

  // The worker is lost: takes back what was held. The end of the answer, if the client has it whole.
  std::optional<Finished> interrupt();

  // The request whose answer follows what the client has. Empty where nobody else can go on: a prompt
  // of tokens whose text was not to be had.
  [[nodiscard]] std::optional<GenerationRequest> continuation() const;

  // Only a model that sees images can go on.
  [[nodiscard]] bool has_images() const;

  // Tokens of the answer that the client has, text or not.
  [[nodiscard]] std::int64_t tokens() const { return tokens_; }
  // True once the client has seen a part of the answer itself.
  [[nodiscard]] bool begun() const { return !text_.empty() || !reasoning_.empty() || open_ || whole_calls_; }
  // Tokens that a context must have room for; 0: not known yet.
  [[nodiscard]] std::int64_t context_needed() const { return started_ ? usage_.prompt_tokens + tokens_ : 0; }

 private:
  void pass_started(const Started& started, std::deque<GenerationEvent>& out);
  void pass_delta(Delta delta, std::deque<GenerationEvent>& out);
  void pass_call(ToolCallDelta piece, std::deque<GenerationEvent>& out);
  void pass_finished(Finished finished, std::deque<GenerationEvent>& out);
  void release_call(std::deque<GenerationEvent>& out);
  void close_call();
  [[nodiscard]] bool asks_for_prompt_text() const;

  GenerationRequest request_;
  bool may_move_;
  std::string prompt_text_;  // as the engine echoed it
  std::string text_;
  std::string reasoning_;
  std::int64_t tokens_ = 0;            // of everything passed on
  std::int64_t earlier_ = 0;           // of them, from workers that were lost
  std::optional<ToolCallDelta> open_;  // the first call, of which the client has a part
  std::optional<ToolCallDelta> held_;
  bool whole_calls_ = false;
  bool started_ = false;
  Usage usage_;  // of the first worker
};

}  // namespace pensieve
