#include "api/admin/measured_service.h"

#include <gmock/gmock.h>

#include <boost/asio.hpp>

#include "api/admin/fake_service.h"

namespace pensieve::api {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;
namespace asio = boost::asio;

class MeasuredServiceTest : public testing::Test {
 protected:
  // Takes events until the last one, or until `at_most`.
  void generate(int at_most = 100) {
    asio::io_context context;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
          auto stream = co_await measured_.generate({});
          for (int i = 0; stream && i < at_most; ++i) {
            if (is_terminal(*co_await (*stream)->next(std::chrono::hours(1)))) break;
          }
        },
        asio::detached);
    context.run();
  }
  std::string text() { return metrics_.to_text(service_.present); }

  ScriptedService service_;
  Metrics metrics_;
  MeasuredService measured_{service_, metrics_, service_.clock};
};

TEST_F(MeasuredServiceTest, MeasuresTheFirstTokenAndTheWholeAnswer) {
  service_.script = {{100ms, Started{}}, {200ms, text_delta("a")}, {400ms, text_delta("b")}, {0ms, Finished{}}};
  generate();
  EXPECT_THAT(text(), HasSubstr("pensieve_time_to_first_token_seconds_sum{model=\"tiny\"} 0.3\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_time_to_first_token_seconds_count{model=\"tiny\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_time_to_first_token_seconds_bucket{model=\"tiny\",le=\"0.5\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_time_to_first_token_seconds_bucket{model=\"tiny\",le=\"0.25\"} 0\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_answer_duration_seconds_sum{model=\"tiny\"} 0.7\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_generations_total{outcome=\"finished\"} 1\n"));
}

TEST_F(MeasuredServiceTest, ShowsTheEnginesOwnTimes) {
  Finished finished;
  finished.timings = {.queue_us = 2'000, .prefill_us = 250'000, .decode_us = 1'500'000};
  service_.script = {{0ms, finished}};
  generate();
  EXPECT_THAT(text(), HasSubstr("pensieve_engine_seconds_sum{model=\"tiny\",phase=\"queue\"} 0.002\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_engine_seconds_sum{model=\"tiny\",phase=\"prefill\"} 0.25\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_engine_seconds_sum{model=\"tiny\",phase=\"decode\"} 1.5\n"));
}

TEST_F(MeasuredServiceTest, CountsTokensGuessedAhead) {
  service_.script = {
      {0ms, Finished{.usage = {.completion_tokens = 20, .accepted_prediction_tokens = 12, .rejected_prediction_tokens = 3}}}};
  generate();
  EXPECT_THAT(text(), HasSubstr("pensieve_predicted_tokens_total{model=\"tiny\",outcome=\"accepted\"} 12\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_predicted_tokens_total{model=\"tiny\",outcome=\"rejected\"} 3\n"));
}

TEST_F(MeasuredServiceTest, CountsFailuresByTheirCode) {
  service_.script = {{0ms, Failed{{ErrorCode::kWorkerLost, "", "", ""}}}};
  generate();
  service_.refusal = {ErrorCode::kOverloaded, "", "", ""};
  generate();
  EXPECT_THAT(text(), HasSubstr("pensieve_generations_total{outcome=\"worker_lost\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_generations_total{outcome=\"overloaded\"} 1\n"));
  EXPECT_THAT(text(), Not(HasSubstr("outcome=\"cancelled\"")));
}

TEST_F(MeasuredServiceTest, CountsAnAnswerThatNobodyWaitsForAsCancelled) {
  service_.script = {{0ms, Started{}}, {0ms, text_delta("a")}};
  generate(2);
  EXPECT_THAT(text(), HasSubstr("pensieve_generations_total{outcome=\"cancelled\"} 1\n"));
}

TEST_F(MeasuredServiceTest, PassesTheRestOn) {
  service_.present.models = {fake_model("tiny")};
  EXPECT_EQ(measured_.find("tiny").value().id, "tiny");
  EXPECT_FALSE(measured_.find("other"));
  EXPECT_EQ(measured_.status().models.size(), 1U);
}

TEST_F(MeasuredServiceTest, ShowsTheStatusFigures) {
  service_.present.requests_total = 5;
  service_.present.memory_total = 8'000'000'000;
  ModelStatus& model = service_.present.models.emplace_back(fake_model("tiny"));
  model.state = ModelState::kReady;
  model.kv_bytes = 42;
  model.waiting_requests = 3;
  EXPECT_THAT(text(), HasSubstr("# TYPE pensieve_requests_total counter\npensieve_requests_total 5\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_memory_total_bytes 8000000000\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_model_ready{model=\"tiny\"} 1\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_model_kv_bytes{model=\"tiny\"} 42\n"));
  EXPECT_THAT(text(), HasSubstr("pensieve_model_waiting_requests{model=\"tiny\"} 3\n"));
}

}  // namespace
}  // namespace pensieve::api
