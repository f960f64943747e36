// Many inputs to embed, a part at a time: an answer of the worker stays small, and a client that goes
// away stops what is left.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "manager/service.h"

namespace pensieve::api {

boost::asio::awaitable<Result<Embeddings>> embed_in_batches(GenerationService& service, EmbeddingRequest request);

}  // namespace pensieve::api
