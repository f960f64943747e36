#include "api/admin/routing_routes.h"

#include <gmock/gmock.h>

#include <boost/asio.hpp>

#include "api/admin/decision_json.h"
#include "api/admin/fake_service.h"
#include "api/http/fake_client.h"
#include "manager/fake_planner.h"

namespace pensieve::api {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
namespace asio = boost::asio;

// Two installed models; "auto" leaves the choice to the server.
class TwoModels final : public ModelDirectory {
 public:
  Result<ResolvedName> resolve(std::string_view name) override {
    if (name.starts_with("auto")) return ResolvedName{"coder-7b-q4_k_m", false};
    for (const InstalledModel& model : models()) {
      if (model.id == name) return ResolvedName{model.id, true};
    }
    return fail(ErrorCode::kNotFound, "model '" + std::string(name) + "' is not installed", "", "model");
  }
  std::vector<InstalledModel> models() override {
    return {{.id = "coder-7b-q4_k_m",
             .aliases = {"primary"},
             .quantization = "Q4_K_M",
             .file_bytes = 4'100'000'000,
             .parameters = 6'700'000'000,
             .context_length = 16384},
            {.id = "smollm2-1.7b-q4_k_m",
             .aliases = {"fallback"},
             .quantization = "Q4_K_M",
             .file_bytes = 1'000'000'000,
             .parameters = 1'700'000'000,
             .context_length = 8192}};
  }
  std::vector<SkippedFile> skipped() override { return {}; }
};

class RoutingRoutes : public testing::Test {
 protected:
  RoutingRoutes() {
    for (const InstalledModel& model : directory_.models()) {
      ModelStatus& status = service_.present.models.emplace_back(fake_model(model.id));
      status.state = ModelState::kReady;
      status.context_tokens = 8192;
    }
    service_.script = {{50ms, Started{}},
                       {250ms, text_delta("a")},
                       {0ms, Finished{.usage = {.prompt_tokens = 30, .completion_tokens = 20},
                                      .timings = {.prefill_us = 100'000, .decode_us = 1'000'000}}}};
  }

  RawAnswer ask(std::string_view method, std::string_view path, std::string_view body = {}, std::string_view headers = {}) {
    if (!server_) server_.emplace(routing_routes(routing_), HttpLimits{}, config_);
    FakeClient client(server_->port());
    client.send(request_text(method, path, body, headers));
    return client.receive();
  }

  // Runs a generation until its end, or leaves it after `at_most` events.
  void generate(std::string id, std::string text, std::string model = "auto", int at_most = 100) {
    asio::io_context context;
    asio::co_spawn(
        context,
        [&]() -> asio::awaitable<void> {
          for (ScriptedEvent& step : service_.script) step.model = "coder-7b-q4_k_m";
          GenerationRequest request{.id = id, .model = model};
          request.messages.push_back({.role = Role::kUser, .text = text});
          auto stream = co_await routing_.generate(std::move(request));
          for (int i = 0; stream && i < at_most; ++i) {
            if (is_terminal(*co_await (*stream)->next(1h))) break;
          }
        },
        asio::detached);
    context.run();
  }

  ScriptedService service_;
  TwoModels directory_;
  ServerConfig config_;
  FakePlanning planning_;
  RoutingService routing_{service_, directory_, service_.clock, {.policy = {}, .defaults = {}, .planner = planning_.planner}};
  std::optional<RunningServer> server_;
};

TEST_F(RoutingRoutes, ADryRunTellsModelReasonAndCandidates) {
  const RawAnswer answer = ask("POST", "/pensieve/v1/route", R"({"id":"q1","messages":[{"role":"user","content":"hi"}]})",
                               "X-Pensieve-Quality: good\r\nX-Pensieve-Performance: high\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(R"("model":"smollm2-1.7b-q4_k_m","complexity":{"score":)"));
  EXPECT_THAT(answer.body, HasSubstr(R"("class":"simple")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("quality":"good","performance":"high")"));
  EXPECT_THAT(answer.body, HasSubstr(R"({"model":"coder-7b-q4_k_m","verdict":"possible","score":)"));
  EXPECT_TRUE(routing_.log().records().empty()) << "a dry run is not kept";
}

TEST(DecisionJson, EscapesControlCharacters) {
  ModelReport report;
  report.model = "a\x01";
  EXPECT_THAT(report_json({report}), HasSubstr("\"a\\u0001\""));
}

TEST_F(RoutingRoutes, ADecisionIsKeptWithItsOutcome) {
  generate("d1", "Design a lock-free queue in C++ and prove that it is linearizable.");
  const RawAnswer answer = ask("GET", "/pensieve/v1/decisions/d1");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(R"("model":"coder-7b-q4_k_m")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("asked":"auto")"));
  EXPECT_THAT(
      answer.body,
      HasSubstr(
          R"("outcome":{"state":"finished","error":"","model":"coder-7b-q4_k_m","degraded":"","ttft_ms":300,"tps":20,"prompt_tokens":30)"));
  EXPECT_THAT(ask("GET", "/pensieve/v1/decisions").body, HasSubstr(R"("decisions":[{"id":"d1")"));
  EXPECT_THAT(ask("GET", "/pensieve/v1/decisions").body, HasSubstr(R"({"summary":[{"model":"coder-7b-q4_k_m","decisions":1,)"));
  EXPECT_EQ(ask("GET", "/pensieve/v1/decisions/other").status, 404);
}

TEST_F(RoutingRoutes, OutcomesTellFailureDisconnectAndRegeneration) {
  generate("left", "Explain tides.", "auto", 2);
  EXPECT_THAT(ask("GET", "/pensieve/v1/decisions/left").body, HasSubstr(R"("state":"disconnected")"));
  generate("again", "Explain tides.");
  EXPECT_THAT(ask("GET", "/pensieve/v1/decisions/left").body, HasSubstr(R"("regenerations":1)"));
  service_.refusal = {ErrorCode::kOverloaded, "too many requests", "", ""};
  generate("refused", "Explain waves.");
  EXPECT_THAT(ask("GET", "/pensieve/v1/decisions/refused").body, HasSubstr(R"("state":"failed","error":"too many requests")"));
}

TEST_F(RoutingRoutes, AMeasuredSpeedReplacesThePrediction) {
  generate("d1", "Explain tides.");
  const std::string body = ask("POST", "/pensieve/v1/route", R"({"messages":[{"role":"user","content":"Explain tides."}]})").body;
  EXPECT_THAT(body, HasSubstr(R"("expected_tps":20)"));
  EXPECT_THAT(body, HasSubstr("tokens of this conversation read"));
}

TEST_F(RoutingRoutes, TheLedgerKnowsWhatTheServerForgot) {
  DecisionArchive archive(*store::Database::open_in_memory());
  routing_.log().on_change([&](const DecisionRecord& record) { archive.keep(record); });
  generate("d1", "Explain tides.");
  RoutingService restarted(service_, directory_, service_.clock, {.policy = {}, .defaults = {}, .planner = planning_.planner});
  RunningServer server(routing_routes(restarted, &archive), HttpLimits{}, config_);
  FakeClient client(server.port());
  client.send(request_text("GET", "/pensieve/v1/decisions/d1", "", ""));
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(R"("outcome":{"state":"finished")"));
}

TEST_F(RoutingRoutes, DecisionsArePagedWithAndWithoutALedger) {
  DecisionArchive archive(*store::Database::open_in_memory());
  routing_.log().on_change([&](const DecisionRecord& record) { archive.keep(record); });
  for (const char* id : {"d1", "d2", "d3"}) generate(id, id);
  for (DecisionArchive* used : {static_cast<DecisionArchive*>(nullptr), &archive}) {
    RunningServer server(routing_routes(routing_, used), HttpLimits{}, config_);
    const auto get = [&](std::string_view query) {
      FakeClient client(server.port());
      client.send(request_text("GET", std::string("/pensieve/v1/decisions") + std::string(query), "", ""));
      return client.receive();
    };
    EXPECT_THAT(get("?limit=2").body, testing::AllOf(HasSubstr(R"("id":"d3")"), HasSubstr(R"("id":"d2")"), testing::Not(HasSubstr("d1"))));
    EXPECT_THAT(get("?before=d2").body, testing::AllOf(HasSubstr(R"("decisions":[{"id":"d1")"), testing::Not(HasSubstr("d2"))));
    EXPECT_THAT(get("?before=unknown").body, HasSubstr(R"("decisions":[])"));
    EXPECT_EQ(get("?limit=0").status, 400);
    EXPECT_EQ(get("?limit=2x").status, 400);
  }
}

TEST_F(RoutingRoutes, WhatRanWhenTheServerEndedIsToldAsInterrupted) {
  DecisionArchive archive(*store::Database::open_in_memory());
  archive.keep({.id = "d1", .asked = "auto"});
  archive.begin();
  EXPECT_THAT(archive.find("d1"), HasSubstr(R"("state":"interrupted")"));
}

TEST_F(RoutingRoutes, NothingFitsIsA503WithTheWayOut) {
  Config config;
  config.memory.limit_bytes = 500'000'000;
  const FakePlanning planning(config);
  RoutingService small(service_, directory_, service_.clock, {.policy = {}, .defaults = {}, .planner = planning.planner});
  for (ModelStatus& status : service_.present.models) status.state = ModelState::kUnloaded;
  RunningServer server(routing_routes(small), HttpLimits{}, config_);
  FakeClient client(server.port());
  client.send(request_text("POST", "/pensieve/v1/route", R"({"messages":[{"role":"user","content":"hi"}]})", ""));
  const RawAnswer answer = client.receive();
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.header("retry-after"), "");
  EXPECT_THAT(answer.body, HasSubstr("may be used"));
  EXPECT_THAT(answer.body, HasSubstr("smollm2-1.7b-q4_k_m needs the least"));
}

TEST_F(RoutingRoutes, ANamedModelIsADecisionThatSaysSo) {
  generate("named", "Explain tides.", "coder-7b-q4_k_m");
  EXPECT_THAT(ask("GET", "/pensieve/v1/decisions/named").body, HasSubstr(R"("named":true)"));
  EXPECT_EQ(ask("POST", "/pensieve/v1/route", R"({"model":"unknown","messages":[]})").status, 404);
}

}  // namespace
}  // namespace pensieve::api
