// A framed connection over a Unix stream socket, on an asio event loop.
#pragma once

#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "ipc/frame.h"

namespace pensieve::ipc {

// Reads payloads and writes payloads; everything happens on the executor's one thread. Lives in a
// shared_ptr because operations in flight hold it.
class Channel : public std::enable_shared_from_this<Channel> {
 public:
  // Called for each payload. Returning an error closes the channel with it.
  using OnPayload = std::function<Result<void>(std::string)>;
  // Called once, when the other side is gone or the channel failed; not after close().
  using OnClosed = std::function<void(Error)>;

  // Takes over the connected socket `descriptor`.
  Channel(boost::asio::any_io_executor executor, int descriptor);

  void start(OnPayload on_payload, OnClosed on_closed);

  // Queues a payload; payloads that queue up while one is written leave together. False for one over
  // kMaxFrameBytes, of which nothing is sent.
  bool send(std::string_view payload);

  // Ends the connection; no handler is called afterwards.
  void close();

  [[nodiscard]] std::size_t queued_bytes() const { return queued_.size() + writing_.size(); }

 private:
  void read();
  void write();
  void failed(Error error);

  boost::asio::local::stream_protocol::socket socket_;
  OnPayload on_payload_;
  OnClosed on_closed_;
  FrameReader reader_;
  std::array<char, 64 * 1024> buffer_{};
  std::string queued_;
  std::string writing_;
};

}  // namespace pensieve::ipc
