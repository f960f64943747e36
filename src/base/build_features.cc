#include "base/build_features.h"

namespace pensieve {

bool reads_images() { return PENSIEVE_READS_IMAGES != 0; }

}  // namespace pensieve
