// Models that can be had: the catalog that Pensieve ships (data/catalog.toml).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/units.h"
#include "gguf/model_shape.h"

namespace pensieve {

struct KnownFile {
  std::string quantization;
  std::string name;  // first part of a split file
  Bytes bytes;
  std::string sha256;  // empty: the server's own sum counts
};

struct KnownModel {
  std::string name;  // "mistral-7b"
  std::string title;
  std::string repository;  // owner/name on the model hub
  std::string licence;
  std::string role;  // that the design gives it; may be empty
  std::string note;
  std::int64_t context = 0;
  std::vector<std::string> capabilities;
  std::optional<double> quality;
  std::string quality_source;
  std::map<std::string, double> domains;  // quality by domain, of the same source
  std::string claimed_tps;                // of the design document, on an M1 with 16 GB
  gguf::ModelShape shape;                 // without bytes
  std::vector<KnownFile> files;           // the usual one first
};

// Error kInvalidArgument naming the entry and the field.
Result<std::vector<KnownModel>> parse_known_models(std::string_view toml);
const std::vector<KnownModel>& known_models();

// A model and its file by "NAME" or "NAME:QUANT" (letter case ignored). Error kNotFound names what
// there is.
struct KnownChoice {
  const KnownModel* model;
  const KnownFile* file;
};
Result<KnownChoice> find_known(std::string_view name);

// The shape with the file's bytes spread over layers, token table and output in proportion to their
// parameters. The file's own header is exact and replaces it where it can be read.
gguf::ModelShape shape_of(const KnownModel& model, const KnownFile& file);

}  // namespace pensieve
