#include "available.h"

#include <format>
#include <glaze/glaze.hpp>
#include <print>
#include <string>
#include <vector>

#include "catalog/known_models.h"
#include "cli.h"
#include "present.h"
#include "words.h"

namespace pensieve::cli {

namespace available {

// One file of the catalog, as `list --available --json` prints it.
struct File {
  std::string model;
  std::string title;
  std::string quantization;
  std::int64_t file_bytes = 0;
  std::string repository;
  std::string licence;
  std::int64_t context = 0;
  std::vector<std::string> capabilities;
  std::string role;
  std::optional<double> quality;
  std::string quality_source;
  std::string note;
};

struct Document {
  std::vector<File> available;
};

}  // namespace available

namespace {

available::Document all_files() {
  available::Document document;
  for (const KnownModel& model : known_models()) {
    for (const KnownFile& file : model.files) {
      document.available.push_back({model.name + ":" + file.quantization, model.title, file.quantization, file.bytes.value,
                                    model.repository, model.licence, model.context, model.capabilities, model.role, model.quality,
                                    model.quality_source, model.note});
    }
  }
  return document;
}

}  // namespace

Result<void> list_available(bool json) {
  const available::Document document = all_files();
  if (json) {
    std::string text;
    if (const auto error = glz::write<glz::opts{.skip_null_members = false}>(document, text))
      return fail(ErrorCode::kInternal, "the catalog can't be written as JSON");
    std::println("{}", text);
    return {};
  }
  std::vector<std::vector<std::string>> rows;
  for (const available::File& file : document.available) {
    const std::string quality = file.quality ? std::format("{:g} ({})", *file.quality, file.quality_source) : "";
    rows.push_back({file.model, size_word(file.file_bytes), std::format("{}", file.context), joined(file.capabilities), file.licence,
                    quality, file.note});
  }
  std::print(
      "{}",
      render_table({{"MODEL"}, {"SIZE", true}, {"CONTEXT", true}, {"CAN"}, {"LICENCE"}, {"QUALITY", false, true}, {"NOTE", false, true}},
                   rows, table_style()));
  return {};
}

}  // namespace pensieve::cli
