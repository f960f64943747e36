#include "api/admin/admin_routes.h"

#include <gmock/gmock.h>

#include "api/admin/fake_service.h"
#include "api/admin/status_json.h"
#include "api/http/api_keys.h"
#include "api/http/fake_client.h"

namespace pensieve::api {
namespace {

using testing::HasSubstr;

class AdminRoutes : public testing::Test {
 protected:
  AdminRoutes() {
    service_.present.default_model = "org/tiny";
    service_.present.memory_total = 8'000'000'000;
    service_.present.memory_available = 5'000'000'000;
    service_.present.uptime_seconds = 12;
    ModelStatus& model = service_.present.models.emplace_back(fake_model("org/tiny"));
    model.aliases = {"primary"};
    model.quantization = "Q4_1";
    service_.present.skipped = {{.path = "/m/bad.gguf", .reason = "truncated"}};
  }
  RawAnswer ask(std::string_view method, std::string_view path, std::string_view body = {}, std::string_view headers = {}) {
    if (!server_) server_.emplace(admin_routes(service_, metrics_), HttpLimits{}, config_);
    FakeClient client(server_->port());
    client.send(request_text(method, path, body, headers));
    return client.receive(method == "HEAD");
  }

  ScriptedService service_;
  Metrics metrics_;
  ServerConfig config_;
  std::optional<RunningServer> server_;
};

TEST_F(AdminRoutes, TellsHealth) {
  const RawAnswer answer = ask("GET", "/health");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("content-type"), "application/json");
  EXPECT_EQ(answer.body, R"({"status":"ok","model":"org/tiny","model_state":"unloaded","memory_used_bytes":3000000000,)"
                         R"("memory_total_bytes":8000000000,"uptime_seconds":12,"score":null,"level":"normal"})");
}

TEST_F(AdminRoutes, TellsHowTheMachineFeels) {
  service_.present.monitor = {.enabled = true,
                              .level = "throttle",
                              .reason = "80 C, over 75",
                              .score = 0.5,
                              .signals = {{.name = "temperature", .unit = "celsius", .value = 80, .source = "test"}, {.name = "speed"}},
                              .throttle = {.pause_percent = 33}};
  EXPECT_THAT(ask("GET", "/health").body, HasSubstr(R"("score":0.5,"level":"throttle")"));
  const std::string metrics = ask("GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr(R"(pensieve_machine_level{level="throttle"} 1)"));
  EXPECT_THAT(metrics, HasSubstr(R"(pensieve_machine_level{level="normal"} 0)"));
  EXPECT_THAT(metrics, HasSubstr(R"(pensieve_machine_signal{signal="temperature",unit="celsius"} 80)"));
  EXPECT_THAT(metrics, testing::Not(HasSubstr(R"(signal="speed")"))) << "unknown is not zero";
  EXPECT_THAT(metrics, HasSubstr("pensieve_throttle_pause_percent 33"));
  const Result<ServiceStatus> read = parse_status(ask("GET", "/pensieve/v1/status").body);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->monitor.signals.at(0).value, 80);
  EXPECT_FALSE(read->monitor.signals.at(1).value);
}

TEST_F(AdminRoutes, TellsThatThereIsNoModel) {
  service_.present.default_model.clear();
  EXPECT_THAT(ask("GET", "/health").body, HasSubstr(R"("status":"no_model","model":null)"));
}

TEST_F(AdminRoutes, TellsTheWholeStatus) {
  const std::string body = ask("GET", "/pensieve/v1/status").body;
  EXPECT_THAT(body, HasSubstr(R"("models":[{"id":"org/tiny","aliases":["primary"])"));
  EXPECT_THAT(body, HasSubstr(R"("quantization":"Q4_1")"));
  EXPECT_THAT(body, HasSubstr(R"("state":"unloaded")"));
  EXPECT_THAT(body, HasSubstr(R"("skipped":[{"path":"/m/bad.gguf","reason":"truncated"}])"));
  EXPECT_THAT(body, HasSubstr(R"("memory_available":5000000000)"));
}

TEST_F(AdminRoutes, TellsTheStatusSoThatACommandReadsItBack) {
  service_.present.models.front().state = ModelState::kReady;
  const Result<ServiceStatus> read = parse_status(ask("GET", "/pensieve/v1/status").body);
  ASSERT_TRUE(read) << read.error().text();
  ASSERT_EQ(read->models.size(), 1U);
  EXPECT_EQ(read->models[0].state, ModelState::kReady);
  EXPECT_EQ(read->models[0].aliases, std::vector<std::string>{"primary"});
  EXPECT_EQ(read->skipped[0].reason, "truncated");
  EXPECT_TRUE(parse_status(R"({"uptime_seconds":1,"of_a_newer_server":true})"));
  EXPECT_FALSE(parse_status("<html>"));
}

TEST_F(AdminRoutes, LoadsAndUnloadsModels) {
  const RawAnswer loaded = ask("POST", "/pensieve/v1/models/org/tiny/load");
  EXPECT_EQ(loaded.status, 200);
  EXPECT_THAT(loaded.body, HasSubstr(R"("state":"ready")"));
  EXPECT_THAT(ask("POST", "/pensieve/v1/models/org%2Ftiny/unload").body, HasSubstr(R"("state":"unloaded")"));
  const RawAnswer unknown = ask("POST", "/pensieve/v1/models/other/load");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_THAT(unknown.body, HasSubstr(R"({"error":{"code":"not_found")"));
}

TEST_F(AdminRoutes, PinsModelsByLoadingThemAndUnpinsThem) {
  const RawAnswer pinned = ask("POST", "/pensieve/v1/models/org/tiny/pin");
  EXPECT_EQ(pinned.status, 200);
  EXPECT_THAT(pinned.body, HasSubstr(R"("state":"ready")"));
  EXPECT_THAT(pinned.body, HasSubstr(R"("pinned":true)"));
  EXPECT_THAT(ask("POST", "/pensieve/v1/models/org/tiny/unpin").body, HasSubstr(R"("pinned":false)"));
  EXPECT_EQ(ask("POST", "/pensieve/v1/models/other/pin").status, 404);
}

TEST_F(AdminRoutes, AModelThatCannotBeLoadedIsNotPinned) {
  service_.load_failure = {ErrorCode::kOutOfMemory, "no room", "", ""};
  const RawAnswer refused = ask("POST", "/pensieve/v1/models/org/tiny/pin");
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(refused.body, HasSubstr("no room"));
  EXPECT_FALSE(service_.present.models.front().pinned);
}

TEST_F(AdminRoutes, GivesMetricsAsPrometheusReadsThem) {
  const RawAnswer answer = ask("GET", "/metrics");
  EXPECT_EQ(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(answer.body, HasSubstr("\npensieve_uptime_seconds 12\n"));
}

TEST_F(AdminRoutes, AnswersTheProbesOfAgents) {
  EXPECT_EQ(ask("HEAD", "/").status, 200);
  EXPECT_EQ(ask("GET", "/", "", "Accept: */*\r\n").body, "Ollama is running");
  EXPECT_THAT(ask("GET", "/", "", "Accept: text/html,*/*;q=0.8\r\n").body, HasSubstr("Pensieve is running"));
  EXPECT_EQ(ask("HEAD", "/api/hello").status, 200);
  EXPECT_EQ(ask("GET", "/api/hello").body, "{}");
  const RawAnswer dropped = ask("POST", "/api/event_logging/batch", "not even json");
  EXPECT_EQ(dropped.status, 200);
  EXPECT_EQ(dropped.body, "{}");
}

TEST_F(AdminRoutes, AskForTheKeyWhereTheyTellMore) {
  config_.api_key_hashes = {hash_api_key("secret")};
  for (const char* path : {"/metrics", "/pensieve/v1/status"}) {
    EXPECT_EQ(ask("GET", path).status, 401) << path;
    EXPECT_EQ(ask("GET", path, "", "x-api-key: secret\r\n").status, 200) << path;
  }
  EXPECT_EQ(ask("POST", "/pensieve/v1/models/org/tiny/load").status, 401);
  for (const char* path : {"/", "/health", "/api/hello"}) {
    EXPECT_EQ(ask("GET", path).status, 200) << path;
  }
  EXPECT_EQ(ask("POST", "/api/event_logging/batch", "[]").status, 200);
}

}  // namespace
}  // namespace pensieve::api
