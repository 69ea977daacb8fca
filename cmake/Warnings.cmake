# Carried by every target of ours, by none of other people's.
add_library(spool_warnings INTERFACE)
target_compile_options(spool_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual -Werror
  -Wno-sign-conversion  # clang takes it for a part of -Wconversion, g++ does not
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)  # g++ 12 reports "text" + std::to_string() falsely (PR105329)
