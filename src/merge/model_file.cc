#include "merge/model_file.h"

#include <algorithm>
#include <format>

#include "gguf/summary.h"
#include "merge/tensor_codec.h"

namespace pensieve::merge {

namespace fs = std::filesystem;

Result<ModelFile> ModelFile::open(const fs::path& path, const std::vector<fs::path>& parts) {
  ModelFile file;
  file.path_ = path;
  for (const fs::path& part : parts) {
    std::unique_ptr<gguf::Source> source = TRY(gguf::open_file(part));
    gguf::Header header = TRY(gguf::read_header(*source));
    for (const gguf::Tensor& tensor : header.tensors) {
      if (!file.places_.emplace(tensor.name, std::pair(file.tensors_.size(), file.parts_.size())).second) {
        return fail(ErrorCode::kInvalidArgument, std::format("tensor {} stands in two parts", tensor.name), "download the file again");
      }
      file.tensors_.push_back(tensor);
    }
    file.parts_.push_back({part, std::move(source), std::move(header)});
  }
  return file;
}

Result<ModelFile> ModelFile::open_model(const fs::path& path) {
  Result<gguf::Summary> summary = gguf::summarize(path);
  Result<ModelFile> opened = summary ? open(path, summary->files) : std::unexpected(summary.error());
  if (!opened) return std::unexpected(with_context(opened.error(), std::format("'{}'", path.string())));
  return opened;
}

Result<ModelFile> ModelFile::open_adapter(const fs::path& path) {
  Result<ModelFile> opened = open(path, {path});
  if (!opened) return std::unexpected(with_context(opened.error(), std::format("'{}'", path.string())));
  return opened;
}

std::string ModelFile::name() const {
  const std::string name = header().text("general.name").value_or("");
  return name.empty() ? path_.stem().string() : name;
}

std::string ModelFile::identity() const {
  std::string text;
  for (const Part& part : parts_) {
    std::error_code error;
    const fs::path real = fs::canonical(part.path, error);
    const auto time = fs::last_write_time(part.path, error).time_since_epoch().count();
    text += std::format("{}\n{}\n{}\n", real.string(), part.header.file_bytes, time);
  }
  return text;
}

const gguf::Tensor* ModelFile::find(std::string_view tensor) const {
  const auto found = places_.find(std::string(tensor));
  return found == places_.end() ? nullptr : &tensors_[found->second.first];
}

Result<void> ModelFile::read(const gguf::Tensor& tensor, std::uint64_t offset, std::span<char> out) const {
  const Part& part = parts_[places_.at(tensor.name).second];
  const Result<void> done = part.source->read(part.header.data_offset + tensor.offset + offset, out);
  if (!done) return std::unexpected(with_context(done.error(), std::format("'{}', tensor {}", part.path.string(), tensor.name)));
  return {};
}

Result<std::vector<float>> ModelFile::read_floats(const gguf::Tensor& tensor) const {
  if (!can_decode(tensor.type)) {
    return fail(ErrorCode::kUnsupported,
                std::format("'{}': tensor {} is of the type {}, which can't be read", path_.string(), tensor.name, tensor.type.name));
  }
  std::vector<char> bytes(tensor.bytes);
  TRY_VOID(read(tensor, 0, bytes));
  std::vector<float> floats(tensor.elements);
  decode(tensor.type, bytes, floats);
  return floats;
}

Result<std::string> ModelFile::metadata_entry(std::string_view key) const {
  const auto& spans = header().spans;
  const auto span = std::ranges::find(spans, key, &gguf::MetadataSpan::key);
  if (span == spans.end()) return std::string();
  std::string bytes(span->bytes, '\0');
  TRY_VOID(parts_.front().source->read(span->offset, bytes));
  return bytes;
}

}  // namespace pensieve::merge
