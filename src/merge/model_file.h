// One input of a merge: a model or an adapter, in one file or several parts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "gguf/header.h"
#include "gguf/source.h"

namespace pensieve::merge {

class ModelFile {
 public:
  // Opens the file and, for the first part of a split model, the others beside it. Errors as
  // gguf::summarize and gguf::read_header, with the path before them.
  static Result<ModelFile> open_model(const std::filesystem::path& path);
  static Result<ModelFile> open_adapter(const std::filesystem::path& path);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const gguf::Header& header() const { return parts_.front().header; }
  [[nodiscard]] std::string architecture() const { return header().text("general.architecture").value_or(""); }
  // general.name, or the file's name without its ending.
  [[nodiscard]] std::string name() const;
  // What tells this state of the file from another: place, size and time of all parts.
  [[nodiscard]] std::string identity() const;

  // The tensors of all parts, in the order of the files. Their offsets count from the part's data.
  [[nodiscard]] const std::vector<gguf::Tensor>& tensors() const { return tensors_; }
  [[nodiscard]] const gguf::Tensor* find(std::string_view tensor) const;

  // Fills `out` from byte `offset` of the tensor's data. Any thread. Error kIo.
  Result<void> read(const gguf::Tensor& tensor, std::uint64_t offset, std::span<char> out) const;
  // The whole tensor as float32.
  Result<std::vector<float>> read_floats(const gguf::Tensor& tensor) const;

  // The bytes of a metadata entry (key, type, value) as they stand in the file; empty if absent.
  Result<std::string> metadata_entry(std::string_view key) const;

 private:
  struct Part {
    std::filesystem::path path;
    std::unique_ptr<gguf::Source> source;
    gguf::Header header;
  };

  static Result<ModelFile> open(const std::filesystem::path& path, const std::vector<std::filesystem::path>& parts);

  std::filesystem::path path_;
  std::vector<Part> parts_;
  std::vector<gguf::Tensor> tensors_;
  std::unordered_map<std::string, std::pair<std::size_t, std::size_t>> places_;  // name -> index, part
};

}  // namespace pensieve::merge
