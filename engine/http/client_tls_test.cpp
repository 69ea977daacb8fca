#include <gtest/gtest.h>

#include <string>
#include <variant>

#include "engine/http/client.hpp"
#include "engine/http/test_server_test_support.hpp"

namespace spool::http {
namespace {

using namespace std::chrono_literals;

class HttpsClient : public ::testing::Test {
 protected:
  Outcome get(const TestServer& server, const std::string& host, const std::string& ca_file,
              bool verify = true) {
    ClientSettings settings;
    settings.base_url = "https://" + host + ":" + std::to_string(server.port());
    settings.ca_file = ca_file;
    settings.verify = verify;
    auto made = Client::make(loop.io, settings);
    if (!made.ok()) return Failed(Fault::bad_request, made.failure().text, false);
    client = std::move(*made);
    return again();
  }
  Outcome again() {
    return loop.run(client->send(Request("GET", "/"), std::chrono::steady_clock::now() + 15s, {}));
  }

  static void expect_refused(const Outcome& outcome) {
    const auto* failed = std::get_if<Failed>(&outcome);
    ASSERT_NE(failed, nullptr);
    EXPECT_EQ(to_string(failed->fault), "tls") << failed->text;
    EXPECT_FALSE(failed->sent);
  }
  static std::string body(const Outcome& outcome) {
    if (const auto* failed = std::get_if<Failed>(&outcome)) return failed->text;
    return std::get<Response>(outcome).body;
  }

  TestAuthority authority;
  TestLoop loop;
  std::unique_ptr<Client> client;
};

TEST_F(HttpsClient, AServiceWithTheRightNameIsBelieved) {
  TestServer server(always(answer(200, "ok")), authority.certify("DNS:localhost"));
  EXPECT_EQ(body(get(server, "localhost", authority.file())), "ok");
  EXPECT_EQ(body(again()), "ok");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpsClient, TheServiceIsToldWhichNameIsMeant) {
  TestServer server(
      [](Peer& peer) {
        while (peer.read_request()) peer.write(answer(200, "<" + peer.asked_name() + ">"));
      },
      authority.certify("DNS:localhost,IP:127.0.0.1"));
  EXPECT_EQ(body(get(server, "localhost", authority.file())), "<localhost>");
  EXPECT_EQ(body(get(server, "127.0.0.1", authority.file())), "<>");
}

TEST_F(HttpsClient, AnAddressMayStandInTheCertificateAsWell) {
  TestServer server(always(answer(200, "ok")), authority.certify("IP:127.0.0.1"));
  EXPECT_EQ(body(get(server, "127.0.0.1", authority.file())), "ok");
}

TEST_F(HttpsClient, AnotherNameIsRefused) {
  TestServer server(always(answer(200, "ok")), authority.certify("DNS:other.example"));
  expect_refused(get(server, "localhost", authority.file()));
}

TEST_F(HttpsClient, AnUnknownAuthorityIsRefused) {
  TestAuthority unknown;
  TestServer server(always(answer(200, "ok")), unknown.certify("DNS:localhost"));
  const Outcome outcome = get(server, "localhost", authority.file());
  expect_refused(outcome);
  EXPECT_NE(body(outcome).find("certificate"), std::string::npos) << body(outcome);
}

TEST_F(HttpsClient, TheSystemsAuthoritiesDoNotKnowOurs) {
  TestServer server(always(answer(200, "ok")), authority.certify("DNS:localhost"));
  expect_refused(get(server, "localhost", ""));
}

TEST_F(HttpsClient, WithoutVerificationEveryoneIsBelieved) {
  TestServer server(always(answer(200, "ok")), authority.certify("DNS:other.example"));
  EXPECT_EQ(body(get(server, "localhost", "", false)), "ok");
}

TEST_F(HttpsClient, AServiceWithoutTlsIsRefused) {
  TestServer server([](Peer& peer) {
    peer.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    peer.read_request();
  });
  expect_refused(get(server, "localhost", authority.file()));
}

TEST_F(HttpsClient, AConnectionThatTheServiceClosedIsReplacedBeforeItIsUsed) {
  Signal ended;
  TestServer server(
      [&](Peer& peer) {
        peer.read_request();
        peer.write(answer(200, std::to_string(peer.number)));
        peer.end();
        ended.raise();
      },
      authority.certify("DNS:localhost"));
  EXPECT_EQ(body(get(server, "localhost", authority.file())), "0");
  ended.wait();
  EXPECT_EQ(body(again()), "1");
}

TEST_F(HttpsClient, AServiceThatNeverFinishesTlsIsNotConnectedInTime) {
  TestServer server([](Peer& peer) { peer.read_request(); });
  ClientSettings settings;
  settings.base_url = "https://127.0.0.1:" + std::to_string(server.port());
  settings.connect_timeout = 50ms;
  auto made = Client::make(loop.io, settings);
  ASSERT_TRUE(made.ok());
  client = std::move(*made);
  const Outcome outcome = again();
  ASSERT_TRUE(std::holds_alternative<Failed>(outcome));
  EXPECT_EQ(to_string(std::get<Failed>(outcome).fault), "connect_timeout") << body(outcome);
  EXPECT_FALSE(std::get<Failed>(outcome).sent);
}

}  // namespace
}  // namespace spool::http
