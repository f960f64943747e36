// Ollama's API.
#pragma once

#include <string>
#include <vector>

#include "api/exchange_tools.h"
#include "catalog/model_library.h"

namespace pensieve::api::ollama {

// What the handlers need; all outlive the routes.
struct Parts {
  GenerationService& service;
  ModelLibrary& library;
  std::string version;  // of Pensieve
};

// /api/chat and /api/generate.
std::vector<Route> generation_routes(GenerationService& service);

// /api/embed and the older /api/embeddings.
std::vector<Route> embed_routes(GenerationService& service);

// /api/tags, show, ps, delete, copy, version, and clear refusals of create, push and blobs.
std::vector<Route> model_routes(Parts parts);

// /api/pull. Its downloads end with the routes.
std::vector<Route> pull_routes(ModelLibrary& library);

// All of them.
std::vector<Route> routes(Parts parts);

}  // namespace pensieve::api::ollama
