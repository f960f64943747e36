// Which models there are and which one a name means: what the manager asks of the catalog.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gguf/model_shape.h"

namespace pensieve {

// A model file in the models folder (or named by configuration).
struct InstalledModel {
  std::string id;
  std::vector<std::string> aliases;  // roles that lead to it
  std::string path;                  // first part of a split file
  std::string architecture;
  std::string name;
  std::string quantization;
  std::int64_t file_bytes = 0;
  std::int64_t parameters = 0;
  std::int64_t context_length = 0;      // as trained
  std::int64_t kv_bytes_per_token = 0;  // f16, an upper bound
  std::int64_t modified_unix = 0;
  bool has_chat_template = false;
  bool makes_embeddings = false;                  // made for embeddings: can't answer
  std::shared_ptr<const gguf::ModelShape> shape;  // null: a layout that plans do not know
  std::string fingerprint;                        // keys what was measured of it (gguf::Summary)
  std::vector<std::string> parents = {};          // names of the models that it was merged of
  std::string projector = {};                     // the file that lets it see images; empty: it can't
  std::int64_t projector_bytes = 0;               // that it takes in memory, about
};

// A LoRA adapter in the adapters folder (adapter_store.h).
struct InstalledAdapter {
  std::string name;
  std::string model;  // id of the model that it is for
  std::string path;
  double scale = 1;
  std::vector<std::string> domains;  // what it is good at, as the selector names them ("code")
  std::string added_from;            // the file that it was copied from
  std::int64_t file_bytes = 0;
  std::int64_t rank = 0;  // the largest of its tensors
};

// A file in the models folder that is not served.
struct SkippedFile {
  std::string path;
  std::string reason;
};

struct ResolvedName {
  std::string id;
  bool fixed = true;                       // false: the server may choose another
  std::string automatic = {};              // the auto name that an alias led to ("auto:fast"); empty if fixed
  std::vector<std::string> adapters = {};  // that the name asks for ("base+sql")
};

// Used from the supervisor's loop only.
class ModelDirectory {
 public:
  virtual ~ModelDirectory() = default;

  // The model that an id, alias, role or auto name leads to. Error kNotFound with what to do.
  virtual Result<ResolvedName> resolve(std::string_view name) = 0;
  virtual std::vector<InstalledModel> models() = 0;
  virtual std::vector<SkippedFile> skipped() = 0;
  virtual std::vector<InstalledAdapter> adapters() { return {}; }
};

}  // namespace pensieve
