// doctor: folders, disk, server and port.
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <filesystem>
#include <format>

#include "api/admin/status_json.h"
#include "base/units.h"
#include "client/http_client.h"
#include "doctor.h"

namespace pensieve::cli {
namespace {

namespace fs = std::filesystem;
namespace asio = boost::asio;
using Verdict = Check::Verdict;

constexpr Bytes kTooLittleDisk = mebibytes(16);  // records, history, a log
constexpr Bytes kLittleDisk = gigabytes(2);      // a small model

// The nearest folder above `path` that exists.
fs::path existing_part(fs::path path) {
  std::error_code error;
  while (!fs::exists(path, error) && path.has_parent_path() && path != path.parent_path()) path = path.parent_path();
  return path;
}

Check check_folder(const std::string& what, const fs::path& folder, bool secret) {
  std::error_code error;
  const fs::path there = existing_part(folder);
  if (!fs::is_directory(there, error)) {
    return {Verdict::kBroken, "folders", std::format("{}: '{}' is no folder", what, there.string()),
            "move it away, or set PENSIEVE_HOME to another place"};
  }
  if (access(there.c_str(), W_OK | X_OK) != 0) {
    return {Verdict::kBroken, "folders", std::format("{}: '{}' is not writable", what, there.string()),
            "change its owner or permissions, or set PENSIEVE_HOME to another folder"};
  }
  if (there != folder) return {Verdict::kGood, "folders", std::format("{}: {} (is made when needed)", what, folder.string()), ""};
  struct stat info{};
  if (secret && stat(folder.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return {Verdict::kWarning, "folders", std::format("{}: other users may look into '{}'", what, folder.string()),
            std::format("chmod 700 '{}'", folder.string())};
  }
  return {Verdict::kGood, "folders", std::format("{}: {}", what, folder.string()), ""};
}

// True if the address can be bound; otherwise why not.
std::optional<std::string> cant_listen(const ServerConfig& config) {
  asio::io_context loop;
  boost::system::error_code error;
  const auto address = asio::ip::make_address(config.host == "localhost" ? "127.0.0.1" : config.host, error);
  if (error) return std::format("'{}' is no address", config.host);
  asio::ip::tcp::acceptor acceptor(loop);
  const asio::ip::tcp::endpoint endpoint(address, config.port);
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(1, error);
  return error ? std::optional(error.message()) : std::nullopt;
}

}  // namespace

std::vector<Check> check_folders(const Paths& paths) {
  return {check_folder("data", paths.data, true), check_folder("models", paths.models, false), check_folder("runtime", paths.runtime, true),
          check_folder("configuration", paths.config_file.parent_path(), false)};
}

std::vector<Check> check_disk(const Paths& paths) {
  std::error_code error;
  const fs::path there = existing_part(paths.data);
  const fs::space_info space = fs::space(there, error);
  if (error)
    return {{Verdict::kWarning, "disk", std::format("the room on the disk of '{}' is unknown: {}", there.string(), error.message()), ""}};
  const Bytes room{static_cast<std::int64_t>(space.available)};
  const std::string found = std::format("{} free at {}", to_text(room), there.string());
  if (room < kTooLittleDisk) return {{Verdict::kBroken, "disk", found, "free some disk space"}};
  if (room < kLittleDisk) return {{Verdict::kWarning, "disk", found, "free some disk space before adding models"}};
  return {{Verdict::kGood, "disk", found, ""}};
}

std::vector<Check> check_server(const Paths& paths, const ServerConfig& config) {
  if (const auto server = find_server(paths)) {
    const Result<std::string> health = http_call(server->url + "/health", "", std::chrono::seconds(5));
    if (health)
      return {{Verdict::kGood, "server", std::format("Pensieve {} answers at {} (pid {})", server->version, server->url, server->pid), ""}};
    return {{Verdict::kBroken, "server", std::format("pid {} runs, but {}", server->pid, health.error().message),
             std::format("see {}; `pensieve stop` ends it", (paths.runtime / "server.log").string())}};
  }
  std::vector<Check> checks;
  std::error_code ignored;
  if (fs::exists(paths.runtime / "server.json", ignored)) {
    checks.push_back(
        {Verdict::kWarning, "server", "a server ended without cleaning up behind itself",
         std::format("nothing: the next start replaces its record; {} may say why it ended", (paths.runtime / "server.log").string())});
  }
  const bool any_port = config.port == 0;
  const std::string where = std::format("{}:{}", config.host, any_port ? "any port" : std::to_string(config.port));
  if (const auto why = cant_listen(config)) {
    checks.push_back({Verdict::kBroken, "server", std::format("can't listen on {}: {}", where, *why),
                      "end the program that listens there, or `pensieve config set server.port` to another one"});
  } else {
    checks.push_back({Verdict::kGood, "server", std::format("none runs; {} is free", where), ""});
  }
  return checks;
}

}  // namespace pensieve::cli
