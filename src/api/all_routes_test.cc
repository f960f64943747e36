#include "api/all_routes.h"

#include <gmock/gmock.h>

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <regex>
#include <set>

#include "api/admin/fake_service.h"
#include "api/json_value.h"
#include "api/openapi_data.h"
#include "manager/fake_planner.h"

namespace pensieve::api {
namespace {

using Operations = std::set<std::string>;  // "post /v1/messages"

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Operations described() {
  Operations operations;
  const Json description = parse_body(kOpenApi).value();
  const Fields root = Fields::of(description, "").value();
  for (const auto& [path, methods] : root.find("paths")->get_object()) {
    for (const auto& [method, operation] : methods.get_object()) operations.insert(method + " " + path);
  }
  return operations;
}

Operations served() {
  const std::filesystem::path nowhere = std::filesystem::temp_directory_path() / "all-routes-no-such-folder";
  ModelCatalog catalog(nowhere, Config{}, gigabytes(1));
  ModelLibrary library(catalog, nowhere, nowhere / "names.toml");
  ScriptedService service;
  FakePlanning planning;
  RoutingService routing(service, catalog, service.clock, {.policy = {}, .defaults = {}, .planner = planning.planner});
  const Metrics metrics;
  boost::asio::io_context loop;
  EventLog events(loop.get_executor());
  Operations operations;
  for (const Route& route : all_routes({service, routing, library, nullptr, metrics, events, {}, "1"})) {
    operations.insert(lower(route.method) + " " + std::regex_replace(route.pattern, std::regex(R"(\*\}|\.\.\.\})"), "}"));
  }
  return operations;
}

TEST(OpenApi, DescribesEveryRouteAndNoOther) { EXPECT_EQ(described(), served()); }

TEST(OpenApi, NamesOnlySchemasThatItHas) {
  const Json description = parse_body(kOpenApi).value();
  const Fields root = Fields::of(description, "").value();
  const Json::object_t& components = root.find("components")->get_object();
  const Json::object_t& schemas = components.find("schemas")->second.get_object();
  const std::string text(kOpenApi);
  const std::regex reference(R"re("#/components/schemas/([A-Za-z]+)")re");
  for (std::sregex_iterator one(text.begin(), text.end(), reference), end; one != end; ++one) {
    EXPECT_TRUE(schemas.contains((*one)[1].str())) << (*one)[1];
  }
}

}  // namespace
}  // namespace pensieve::api
