// Which model a projector beside it is for, by their names.
#pragma once

#include <string_view>

namespace pensieve {

// True if the id of a projector's file ("mmproj-gemma-3-4b-it-f16") names the model with this id
// ("gemma-3-4b-it-q4_k_m"): what is left of it without "mmproj" and its precision begins the model's.
bool names_model(std::string_view projector_id, std::string_view model_id);

}  // namespace pensieve
