# Compiler flags and the function that turns a folder of src/ into a library with its tests.

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor
                    -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of GCC's optimiser-driven checks inside library templates and coroutine frames.
  add_compile_options(-Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow
                      -Wno-stringop-overread -Wno-dangling-reference -Wno-free-nonheap-object
                      -Wno-mismatched-new-delete)
endif()
if(PENSIEVE_WERROR)
  add_compile_options(-Werror)
endif()
if(PENSIEVE_SANITIZE)
  add_compile_options(-fsanitize=${PENSIEVE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${PENSIEVE_SANITIZE})
endif()

# pensieve_component(NAME [USES components...] [LIBRARIES targets...])
# src/NAME/**/*.cc becomes the library pensieve_NAME; *_test.cc the test program NAME_tests;
# *_bench.cc the program NAME_bench; *_fuzz.cc one fuzzer each. Headers *_fake.h and fake_*.h are
# for tests. A component without sources yet is an interface library.
function(pensieve_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;LIBRARIES")
  set(folder ${CMAKE_SOURCE_DIR}/src/${name})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${folder}/*.cc)
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cc$")
  if(NOT APPLE)
    list(FILTER sources EXCLUDE REGEX "/mac/")
  endif()
  if(NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    list(FILTER sources EXCLUDE REGEX "/linux/")
  endif()
  list(TRANSFORM arg_USES PREPEND pensieve_)
  if(sources)
    add_library(pensieve_${name} STATIC ${sources})
    target_include_directories(pensieve_${name} PUBLIC ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(pensieve_${name} PUBLIC ${arg_USES} ${arg_LIBRARIES})
  else()
    add_library(pensieve_${name} INTERFACE)
    target_include_directories(pensieve_${name} INTERFACE ${CMAKE_SOURCE_DIR}/src)
    target_link_libraries(pensieve_${name} INTERFACE ${arg_USES} ${arg_LIBRARIES})
  endif()

  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  if(PENSIEVE_TESTS AND tests)
    add_executable(${name}_tests ${tests})
    target_link_libraries(${name}_tests PRIVATE pensieve_${name} GTest::gmock GTest::gtest_main)
    include(GoogleTest)
    gtest_discover_tests(${name}_tests TEST_PREFIX ${name}. DISCOVERY_MODE PRE_TEST
                         WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} PROPERTIES TIMEOUT 120)
  endif()

  set(benches ${all})
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  if(PENSIEVE_BENCHMARKS AND benches)
    add_executable(${name}_bench ${benches})
    target_link_libraries(${name}_bench PRIVATE pensieve_${name} benchmark::benchmark_main)
  endif()

  if(PENSIEVE_FUZZERS)
    set(fuzzers ${all})
    list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
    foreach(fuzzer IN LISTS fuzzers)
      get_filename_component(target ${fuzzer} NAME_WE)
      add_executable(${target} ${fuzzer})
      target_link_libraries(${target} PRIVATE pensieve_${name})
      target_link_options(${target} PRIVATE -fsanitize=fuzzer)
    endforeach()
  endif()
endfunction()
