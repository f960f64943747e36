#include "api/image_refusal.h"

#include <format>

namespace pensieve::api {

std::unexpected<Error> refuse_image(const std::string& path) {
  return fail(ErrorCode::kUnsupported,
              std::format("{}: images can't be read: models are served without their projectors (mmproj files)", path), "send text only",
              path);
}

}  // namespace pensieve::api
