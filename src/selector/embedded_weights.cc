// The weights as data in the binary; a file that does not parse is a defect of the build.
#include <cstdio>
#include <cstdlib>

#include "selector/weights.h"

namespace pensieve::selector {
namespace {

#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
#endif
const unsigned char kBytes[] = {
#embed "../../data/routing_weights.bin"
};
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

}  // namespace

const RoutingWeights& RoutingWeights::embedded() {
  static const RoutingWeights weights = [] {
    Result<RoutingWeights> parsed = parse(kBytes);
    if (!parsed) {
      std::fputs(parsed.error().text().c_str(), stderr);
      std::abort();
    }
    return *std::move(parsed);
  }();
  return weights;
}

}  // namespace pensieve::selector
