// What this build has that another may lack.
#pragma once

namespace pensieve {

// True if the engine was built with libmtmd, so that models can see images.
bool reads_images();

}  // namespace pensieve
