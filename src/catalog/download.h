// Brings a file from a web server into the models folder, whole or not at all.
//
// While it comes it is `<name>.part`, which the catalog does not list, with the server's tag of it in
// `<name>.part.tag`: a later try goes on where this one ended if the tag is unchanged, else begins
// anew. Only a file of the promised length and sum is renamed to its name, after its bytes are on
// the disk. So a crash at any point leaves the part file or the whole one, never a half under the
// final name.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/units.h"

namespace pensieve {

struct DownloadFile {
  std::string url;
  std::filesystem::path destination;
  std::string sha256;  // empty: the one that the server tells, if it does
  std::string bearer;
};

struct DownloadProgress {
  Bytes done;
  Bytes total;  // 0: not known yet
};

// Called from the downloading threads, one call at a time; false stops the download (what came is
// kept for the next try).
using ProgressSink = std::function<bool(const DownloadProgress&)>;

// True if the content was compared with a sum, the file's own or else the one that the server tells.
// Errors: as net::transfer; kIo (disk full, wrong length, wrong sum: the part file is removed),
// kCancelled.
Result<bool> download(const DownloadFile& file, const ProgressSink& progress);

// Several files, at most three at a time. The first error stops the others. True if all were compared.
Result<bool> download_all(const std::vector<DownloadFile>& files, const ProgressSink& progress);

}  // namespace pensieve
