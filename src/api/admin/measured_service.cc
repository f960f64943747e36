#include "api/admin/measured_service.h"

namespace pensieve::api {
namespace asio = boost::asio;
namespace {

class MeasuredStream final : public GenerationStream {
 public:
  MeasuredStream(std::unique_ptr<GenerationStream> stream, Metrics& metrics, const Clock& clock, SteadyTime arrival)
      : stream_(std::move(stream)), metrics_(metrics), clock_(clock), arrival_(arrival) {}
  ~MeasuredStream() override {
    if (!ended_) metrics_.count_outcome(to_string(ErrorCode::kCancelled));
  }
  MeasuredStream(const MeasuredStream&) = delete;
  MeasuredStream& operator=(const MeasuredStream&) = delete;

  asio::awaitable<std::optional<GenerationEvent>> next(std::chrono::milliseconds patience) override {
    std::optional<GenerationEvent> event = co_await stream_->next(patience);
    if (event) observe(*event);
    co_return event;
  }
  [[nodiscard]] const std::string& model() const override { return stream_->model(); }
  [[nodiscard]] std::string degraded() const override { return stream_->degraded(); }

 private:
  void observe(const GenerationEvent& event) {
    const auto elapsed = [this] { return clock_.steady_now() - arrival_; };
    if (const auto* failed = std::get_if<Failed>(&event)) {
      metrics_.count_outcome(to_string(failed->error.code));
    } else if (std::holds_alternative<Finished>(event)) {
      metrics_.count_outcome("finished");
      metrics_.observe_answer(model(), elapsed());
      metrics_.observe_engine(model(), std::get<Finished>(event).timings);
      metrics_.count_predictions(model(), std::get<Finished>(event).usage);
    } else if (!std::holds_alternative<Started>(event) && !answering_) {
      answering_ = true;
      metrics_.observe_first_token(model(), elapsed());
    }
    ended_ = ended_ || is_terminal(event);
  }

  std::unique_ptr<GenerationStream> stream_;
  Metrics& metrics_;
  const Clock& clock_;
  SteadyTime arrival_;
  bool answering_ = false;
  bool ended_ = false;
};

}  // namespace

asio::awaitable<Result<std::unique_ptr<GenerationStream>>> MeasuredService::generate(GenerationRequest request) {
  const SteadyTime arrival = clock_.steady_now();
  Result<std::unique_ptr<GenerationStream>> stream = co_await service_.generate(std::move(request));
  if (!stream) {
    metrics_.count_outcome(to_string(stream.error().code));
    co_return std::unexpected(std::move(stream).error());
  }
  co_return std::make_unique<MeasuredStream>(*std::move(stream), metrics_, clock_, arrival);
}

}  // namespace pensieve::api
