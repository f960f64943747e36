// One answer onto one connection.
#pragma once

#include "api/http/exchange.h"
#include "api/http/socket_io.h"

namespace pensieve::api {

// How a request wants to be answered.
struct AnswerTerms {
  bool http_1_1 = true;    // may get a chunked answer
  bool head_only = false;  // HEAD: the headers of GET
  bool keep_alive = true;  // another request may follow
  Headers common;          // headers of every answer to it
  std::chrono::milliseconds write_time{60'000};
};

class ResponseSender final : public ResponseWriter {
 public:
  // `socket` is non-blocking and outlives the sender.
  ResponseSender(Tcp::socket& socket, AnswerTerms terms) : socket_(socket), terms_(std::move(terms)) {}

  boost::asio::awaitable<bool> send(int status, Headers headers, std::string body) override;
  boost::asio::awaitable<bool> begin_stream(int status, Headers headers) override;
  boost::asio::awaitable<bool> write(std::string_view bytes) override;
  boost::asio::awaitable<bool> end_stream() override;

  // False until an answer was begun.
  [[nodiscard]] bool begun() const { return state_ != State::kNothing; }
  // True while the last bytes of the answer are on their way, or sent.
  [[nodiscard]] bool ending() const { return state_ == State::kEnding || complete(); }
  // True once the whole answer went out.
  [[nodiscard]] bool complete() const { return state_ == State::kComplete; }
  // Whether another request can follow on the connection.
  [[nodiscard]] bool keeps_alive() const { return complete() && terms_.keep_alive; }
  [[nodiscard]] int status() const { return status_; }
  [[nodiscard]] std::size_t body_bytes() const { return body_bytes_; }

 private:
  enum class State { kNothing, kStreaming, kEnding, kComplete, kBroken };

  std::string head_of(int status, Headers headers);
  boost::asio::awaitable<bool> put(WritePieces pieces, State next);

  Tcp::socket& socket_;
  AnswerTerms terms_;
  State state_ = State::kNothing;
  int status_ = 0;
  std::size_t body_bytes_ = 0;
};

}  // namespace pensieve::api
