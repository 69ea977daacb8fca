// A TMDB of our own for tests, benchmarks and demonstrations; see README.md.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "tests/tmdb/server.hpp"

int main(int argc, char** argv) {
  using spool::standin::ServerSettings;
  ServerSettings settings;
  CLI::App app("A stand-in for TMDB: lists, accounts and authentication of its versions 3 and 4");
  app.add_option("--listen", settings.listen, "address of the API; port 0: any free one");
  app.add_option("--control", settings.control, "second address, there while the first refuses");
  auto* certificate = app.add_option("--tls-cert", settings.tls_certificate, "PEM file");
  auto* key = app.add_option("--tls-key", settings.tls_key, "PEM file");
  certificate->needs(key);
  key->needs(certificate);
  app.add_option("--seed", settings.standin.seed, "of the faults");
  app.add_option("--latency-ms", settings.standin.latency_ms, "of every answer of the API")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--first-list", settings.standin.first_list, "id of the first list")
      ->check(CLI::PositiveNumber);
  app.add_flag("--open", settings.standin.accounts.open,
               "every key is good; session and access token user-<n> belong to user n");
  app.add_option("--api-key", settings.standin.accounts.api_key, "of the application");
  app.add_option("--read-token", settings.standin.accounts.read_token, "of the application");
  CLI11_PARSE(app, argc, argv);

  spool::standin::Server server(settings);
  const spool::base::Status started = server.start();
  if (!started) {
    std::cerr << started.failure().text << '\n';
    return 1;
  }
  std::printf("listening %d\n", server.port());
  if (server.control_port() != 0) std::printf("control %d\n", server.control_port());
  std::fflush(stdout);
  server.run();
  return 0;
}
