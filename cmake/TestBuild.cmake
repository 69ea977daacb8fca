# Tests are three quarters of what there is to compile, and run but a moment: they are compiled
# unoptimised, with the headers that all of them include read once.
add_library(spool_test_build INTERFACE)
target_compile_options(spool_test_build INTERFACE -O0 $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)

if(BUILD_TESTING)
  add_library(spool_test_headers OBJECT "${PROJECT_SOURCE_DIR}/tests/support/common_headers.cpp")
  target_link_libraries(spool_test_headers PRIVATE spool_warnings spool_test_build GTest::gmock)
  target_include_directories(spool_test_headers PRIVATE "${PROJECT_SOURCE_DIR}")
  target_precompile_headers(spool_test_headers PRIVATE
    "${PROJECT_SOURCE_DIR}/tests/support/common_headers.hpp")
endif()

# The target holds nothing but tests, or what serves them and whose speed nobody measures.
function(spool_build_as_test TARGET)
  target_link_libraries(${TARGET} PRIVATE spool_test_build)
  target_precompile_headers(${TARGET} REUSE_FROM spool_test_headers)
endfunction()
