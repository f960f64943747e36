# pensieve_embed_text(COMPONENT FILE HEADER SYMBOL): makes FILE of data/ the string constant
# pensieve::SYMBOL, in the generated header HEADER of the component.
function(pensieve_embed_text component file header symbol)
  set(input ${CMAKE_SOURCE_DIR}/data/${file})
  set(output ${CMAKE_BINARY_DIR}/generated/${header})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${input})
  file(READ ${input} text)
  # String literals are bounded; adjacent ones are joined by the compiler.
  string(LENGTH "${text}" length)
  set(pieces "")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${text}" ${at} 8000 piece)
    string(APPEND pieces "    R\"pensieve(${piece})pensieve\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  file(CONFIGURE OUTPUT ${output} CONTENT
"// Generated from data/${file}.
#pragma once

#include <string_view>

namespace pensieve {

inline constexpr std::string_view @symbol@ =
@pieces@;

}  // namespace pensieve
" @ONLY)
  target_include_directories(pensieve_${component} PUBLIC ${CMAKE_BINARY_DIR}/generated)
endfunction()
