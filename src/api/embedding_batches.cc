#include "api/embedding_batches.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pensieve::api {

boost::asio::awaitable<Result<Embeddings>> embed_in_batches(GenerationService& service, EmbeddingRequest request) {
  constexpr std::size_t kAtOnce = 16;
  std::vector<EmbeddingInput> inputs = std::exchange(request.inputs, {});
  Embeddings all;
  for (std::size_t begin = 0; begin < inputs.size(); begin += kAtOnce) {
    EmbeddingRequest part = request;
    const auto first = inputs.begin() + static_cast<std::ptrdiff_t>(begin);
    part.inputs.assign(std::make_move_iterator(first),
                       std::make_move_iterator(first + static_cast<std::ptrdiff_t>(std::min(kAtOnce, inputs.size() - begin))));
    Result<Embeddings> answer = co_await service.embed(std::move(part));
    if (!answer) co_return std::unexpected(std::move(answer).error());
    all.model = std::move(answer->model);
    all.prompt_tokens += answer->prompt_tokens;
    std::ranges::move(answer->vectors, std::back_inserter(all.vectors));
  }
  co_return all;
}

}  // namespace pensieve::api
