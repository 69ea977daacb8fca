// libpqxx 6.4 leaks one result for each connection that dies; that is not ours to mend.
extern "C" const char* __lsan_default_suppressions();  // NOLINT: the sanitizer's own name
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libpqxx-6.4\n";
}
