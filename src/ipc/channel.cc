#include "ipc/channel.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <format>
#include <utility>

namespace pensieve::ipc {

namespace asio = boost::asio;

Channel::Channel(asio::any_io_executor executor, int descriptor)
    : socket_(std::move(executor), asio::local::stream_protocol(), descriptor) {}

void Channel::start(OnPayload on_payload, OnClosed on_closed) {
  on_payload_ = std::move(on_payload);
  on_closed_ = std::move(on_closed);
  read();
}

bool Channel::send(std::string_view payload) {
  if (payload.size() > kMaxFrameBytes) return false;
  if (!socket_.is_open()) return true;
  append_frame(queued_, payload);
  if (writing_.empty()) write();
  return true;
}

void Channel::close() {
  on_payload_ = nullptr;
  on_closed_ = nullptr;
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Channel::read() {
  socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](boost::system::error_code error, std::size_t size) {
    if (error) return self->failed({ErrorCode::kIo, std::format("connection ended: {}", error.message()), "", ""});
    self->reader_.append({self->buffer_.data(), size});
    for (;;) {
      Result<std::optional<std::string>> payload = self->reader_.next();
      if (!payload) return self->failed(std::move(payload).error());
      if (!*payload) break;
      if (!self->on_payload_) return;
      // The handler may close the channel, so it is called through a copy.
      const OnPayload handler = self->on_payload_;
      if (Result<void> taken = handler(std::move(**payload)); !taken) {
        return self->failed(std::move(taken).error());
      }
    }
    if (self->socket_.is_open()) self->read();
  });
}

void Channel::write() {
  writing_ = std::exchange(queued_, {});
  asio::async_write(socket_, asio::buffer(writing_), [self = shared_from_this()](boost::system::error_code error, std::size_t) {
    self->writing_.clear();
    if (error) {
      return self->failed({ErrorCode::kIo, std::format("connection ended: {}", error.message()), "", ""});
    }
    if (!self->queued_.empty()) self->write();
  });
}

void Channel::failed(Error error) {
  const OnClosed handler = std::exchange(on_closed_, nullptr);
  close();
  if (handler) handler(std::move(error));
}

}  // namespace pensieve::ipc
