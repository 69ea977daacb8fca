# Carried by every target of ours, by none of other people's.
add_library(spool_warnings INTERFACE)
target_compile_options(spool_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
