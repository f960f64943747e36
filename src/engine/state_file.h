// A piece of a conversation's state as a file. Read with suspicion: what is on a disk may be torn,
// damaged, or another program's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/state_archive.h"

namespace pensieve::engine {

inline constexpr std::size_t kMostPieceTokens = 1U << 22U;

// What stands before the state in a file.
struct StateFileHead {
  StatePiece piece;
  std::int64_t state_bytes = 0;
};

// The piece's file as bytes, but for the state itself, which follows it, and its digest, which ends it.
std::string encode_state_head(const StatePiece& piece, std::size_t state_bytes);

// The head at the start of `bytes`. Errors: kInvalidArgument for anything that encode_state_head did not
// make, an id that is not its content's among it.
Result<StateFileHead> decode_state_head(std::string_view bytes);

// Writes a file that only the owner can read, whole or not at all. Error kIo.
Result<void> write_state_file(const std::filesystem::path& file, const StatePiece& piece, std::span<const char> state);

// Only the head. Errors: kIo, kInvalidArgument, also for a file that is not as long as its head says.
Result<StateFileHead> read_state_head(const std::filesystem::path& file);

// The state of the piece `id`, its digest checked. Errors: kIo, kInvalidArgument.
Result<std::vector<char>> read_state_file(const std::filesystem::path& file, const StateId& id);

}  // namespace pensieve::engine
