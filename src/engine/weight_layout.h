// Which layout the CPU's kernels may keep weights in.
#pragma once

#include <string>

namespace pensieve::engine {

// True if the weights of this model have to stay in the file's layout on this machine: ggml's AMX kernels
// accept the matrices of multi-head latent attention when they are loaded and refuse them when they
// are multiplied, which ends the process (libggml 0.27). False if the file can't be read.
bool must_keep_file_layout(const std::string& path);

}  // namespace pensieve::engine
