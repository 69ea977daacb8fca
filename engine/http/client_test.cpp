#include "engine/http/client.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <variant>
#include <vector>

#include "engine/http/test_server_test_support.hpp"

namespace spool::http {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

// Far longer than a test that does not wait for it takes.
Deadline far() {
  return steady_clock::now() + 15s;
}

ClientSettings to(const std::string& url) {
  ClientSettings settings;
  settings.base_url = url;
  return settings;
}

class HttpClient : public ::testing::Test {
 protected:
  void open(const ClientSettings& settings) {
    auto made = Client::make(loop.io, settings);
    ASSERT_TRUE(made.ok()) << made.failure().text;
    client = std::move(*made);
  }
  Outcome get(const std::string& target = "/a", Deadline deadline = far()) {
    return loop.run(client->send(Request("GET", target), deadline, {}));
  }

  TestLoop loop;
  std::unique_ptr<Client> client;
};

const Response& good(const Outcome& outcome) {
  if (const auto* failed = std::get_if<Failed>(&outcome))
    ADD_FAILURE() << to_string(failed->fault) << ": " << failed->text;
  static const Response kNone;
  const auto* response = std::get_if<Response>(&outcome);
  return response ? *response : kNone;
}

void expect_failed(const Outcome& outcome, Fault fault, bool sent) {
  const auto* failed = std::get_if<Failed>(&outcome);
  ASSERT_NE(failed, nullptr) << std::get<Response>(outcome).status;
  EXPECT_EQ(to_string(failed->fault), to_string(fault)) << failed->text;
  EXPECT_EQ(failed->sent, sent) << failed->text;
  EXPECT_NE(failed->text.find(':'), std::string::npos) << failed->text;
}

TEST_F(HttpClient, SendsTheRequestBehindThePrefixAndReadsTheAnswer) {
  std::string seen;
  TestServer server([&](Peer& peer) {
    seen = peer.read_request().value_or("");
    peer.write(answer(201, "{\"id\":1}", "X-Kind: b\r\n"));
  });
  open(to(server.url() + "/3"));
  Request request("POST", "/list?session_id=s", "{}");
  request.add("Accept", "application/json");
  const Outcome outcome = loop.run(client->send(std::move(request), far(), {}));
  EXPECT_EQ(good(outcome).status, 201);
  EXPECT_EQ(good(outcome).body, "{\"id\":1}");
  EXPECT_EQ(good(outcome).header("x-kind"), "b");
  EXPECT_EQ(seen, "POST /3/list?session_id=s HTTP/1.1\r\nHost: 127.0.0.1:" +
                      std::to_string(server.port()) +
                      "\r\nUser-Agent: spool\r\nAccept: application/json\r\n"
                      "Content-Length: 2\r\n\r\n{}");
}

TEST_F(HttpClient, OneConnectionServesOneRequestAfterTheOther) {
  TestServer server(always(answer(200, "ok")));
  open(to(server.url()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(good(get()).body, "ok");
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClient, AnswersOfEveryShapeAreRead) {
  const std::vector<std::pair<std::string, std::string>> shapes = {
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
       "abcde"},
      {"HTTP/1.1 204 No Content\r\n\r\n", ""},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
       "x"},
      {answer(200, "<html>not JSON</html>", "Content-Type: text/html\r\n"),
       "<html>not JSON</html>"},
      {answer(200, std::string(300'000, 'a')), std::string(300'000, 'a')},
  };
  std::atomic<std::size_t> next = 0;
  TestServer server([&](Peer& peer) {
    while (peer.read_request()) peer.write(shapes[next++].first);
  });
  open(to(server.url()));
  for (const auto& shape : shapes) EXPECT_EQ(good(get()).body, shape.second);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClient, AnAnswerWithoutALengthEndsWithItsConnection) {
  TestServer server([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\n\r\nto the end");
  });
  open(to(server.url()));
  EXPECT_EQ(good(get()).body, "to the end");
  EXPECT_EQ(good(get()).body, "to the end");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpClient, AnAnswerThatClosesIsTheLastOnItsConnection) {
  TestServer server(always(answer(200, "ok", "Connection: close\r\n")));
  open(to(server.url()));
  EXPECT_EQ(good(get()).body, "ok");
  EXPECT_EQ(good(get()).body, "ok");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpClient, AConnectionThatTheServiceClosedIsReplacedBeforeItIsUsed) {
  Signal ended;
  TestServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(answer(200, "ok"));
    if (peer.number > 0) return;
    peer.end();
    ended.raise();
  });
  open(to(server.url()));
  EXPECT_EQ(good(get()).body, "ok");
  ended.wait();
  EXPECT_EQ(good(get()).body, "ok");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpClient, BytesThatNobodyAskedForMakeAConnectionUseless) {
  TestServer server([](Peer& peer) {
    while (peer.read_request()) peer.write(answer(200, "ok") + answer(200, "forged"));
  });
  open(to(server.url()));
  EXPECT_EQ(good(get()).body, "ok");
  EXPECT_EQ(good(get()).body, "ok");
  EXPECT_EQ(server.connections(), 2);
}

TEST_F(HttpClient, AnIdleConnectionIsClosed) {
  Signal closed;
  TestServer server([&](Peer& peer) {
    while (peer.read_request()) peer.write(answer(200, "ok"));
    closed.raise();
  });
  ClientSettings settings = to(server.url());
  settings.idle_timeout = 5ms;
  open(settings);
  EXPECT_EQ(good(get()).body, "ok");
  loop.io.run();  // nothing is left to wait for but the idle connection
  closed.wait();
}

TEST_F(HttpClient, TheConnectionThatWasUsedLastIsUsedNext) {
  Signal both;
  std::atomic<int> last = -1;
  TestServer server([&](Peer& peer) {
    while (peer.read_request()) {
      both.raise();
      both.wait(2);
      last = peer.number;
      peer.write(answer(200, std::to_string(peer.number)));
    }
  });
  open(to(server.url()));
  const auto first = loop.begin(client->send(Request("GET", "/"), far(), {}));
  const auto second = loop.begin(client->send(Request("GET", "/"), far(), {}));
  loop.run_until([&] { return first->value && second->value; });
  EXPECT_EQ(server.connections(), 2);
  const std::string used = good(get()).body;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(good(get()).body, used);
}

TEST_F(HttpClient, NobodyListening) {
  std::string url;
  {
    TestServer server(always(""));
    url = server.url();
  }
  open(to(url));
  expect_failed(get(), Fault::network, false);
}

TEST_F(HttpClient, AResetAfterTheRequestLeavesInDoubtAndIsNotRepeated) {
  std::atomic<int> requests = 0;
  TestServer server([&](Peer& peer) {
    if (peer.read_request()) ++requests;
    peer.reset();
  });
  open(to(server.url()));
  expect_failed(get(), Fault::network, true);
  EXPECT_EQ(requests, 1);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClient, AnAnswerThatBreaksOffIsNone) {
  TestServer server([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  });
  open(to(server.url()));
  expect_failed(get(), Fault::network, true);
}

TEST_F(HttpClient, WhatIsNotHttpIsABadAnswer) {
  TestServer server([](Peer& peer) {
    peer.read_request();
    peer.write("SSH-2.0-OpenSSH\r\n\r\n");
  });
  open(to(server.url()));
  expect_failed(get(), Fault::bad_answer, true);
}

TEST_F(HttpClient, SilenceEndsAtTheDeadline) {
  TestServer server([](Peer& peer) {
    while (peer.read_request()) {
    }
  });
  open(to(server.url()));
  expect_failed(get("/a", steady_clock::now() + 50ms), Fault::timeout, true);
}

TEST_F(HttpClient, ATrickleEndsAtTheDeadlineHoweverLongItGoesOn) {
  TestServer server([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n");
    // A system call for each byte: they last for seconds.
    while (peer.write("a")) {
    }
  });
  open(to(server.url()));
  expect_failed(get("/a", steady_clock::now() + 50ms), Fault::stalled, true);
}

TEST_F(HttpClient, AnAnswerThatIsTooLargeIsRefused) {
  std::atomic<bool> chunked = false;
  TestServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" +
                             std::string(101, 'a') + "\r\n0\r\n\r\n"
                       : answer(200, std::string(101, 'a')));
  });
  ClientSettings settings = to(server.url());
  settings.body_bytes_max = 100;
  open(settings);
  expect_failed(get(), Fault::too_large, true);
  chunked = true;
  expect_failed(get(), Fault::too_large, true);
}

TEST_F(HttpClient, AHeadThatDoesNotEndIsRefused) {
  TestServer server([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nA: " + std::string(200'000, 'a'));
  });
  open(to(server.url()));
  expect_failed(get(), Fault::too_large, true);
}

TEST_F(HttpClient, WhatMayNotBeginSendsNothingAndKeepsTheConnection) {
  std::atomic<int> requests = 0;
  TestServer server([&](Peer& peer) {
    while (peer.read_request()) {
      ++requests;
      peer.write(answer(200, "ok"));
    }
  });
  open(to(server.url()));
  int asked = 0;
  const auto no = [&] {
    ++asked;
    return false;
  };
  const Outcome outcome = loop.run(client->send(Request("GET", "/"), far(), no));
  expect_failed(outcome, Fault::not_begun, false);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(good(get()).body, "ok");
  EXPECT_EQ(requests, 1);
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClient, ADeadlineThatHasPassedSendsNothing) {
  TestServer server(always(answer(200, "ok")));
  open(to(server.url()));
  EXPECT_EQ(good(get()).body, "ok");
  expect_failed(get("/a", steady_clock::now() - 1ms), Fault::not_begun, false);
}

TEST_F(HttpClient, ARequestThatWouldBreakOutOfItsLineIsNotSent) {
  TestServer server(always(answer(200, "ok")));
  open(to(server.url()));
  Request request("GET", "/a?key=secret");
  request.add("Authorization", "Bearer secret\r\nX: y");
  const Outcome outcome = loop.run(client->send(std::move(request), far(), {}));
  expect_failed(outcome, Fault::bad_request, false);
  EXPECT_EQ(std::get<Failed>(outcome).text.find("secret"), std::string::npos);
  EXPECT_EQ(server.connections(), 0);
}

TEST_F(HttpClient, FailuresNameTheHostAndNoSecret) {
  TestServer server([](Peer& peer) {
    peer.read_request();
    peer.reset();
  });
  open(to(server.url()));
  const Outcome outcome = get("/a?session_id=secret");
  expect_failed(outcome, Fault::network, true);
  const std::string& text = std::get<Failed>(outcome).text;
  EXPECT_NE(text.find("127.0.0.1:" + std::to_string(server.port())), std::string::npos) << text;
  EXPECT_EQ(text.find("secret"), std::string::npos) << text;
}

TEST_F(HttpClient, FurtherRequestsWaitForAConnectionInTheirOrder) {
  Signal arrived;
  Signal go;
  std::mutex mutex;
  std::vector<std::string> order;
  TestServer server([&](Peer& peer) {
    while (auto request = peer.read_request()) {
      {
        const std::lock_guard lock(mutex);
        order.push_back(request->substr(4, 2));
      }
      arrived.raise();
      go.wait();
      peer.write(answer(200, "ok"));
    }
  });
  ClientSettings settings = to(server.url());
  settings.connections_max = 1;
  open(settings);
  std::vector<std::shared_ptr<TestLoop::Pending<Outcome>>> pending;
  for (const char* target : {"/0", "/1", "/2", "/3"})
    pending.push_back(loop.begin(client->send(Request("GET", target), far(), {})));
  const auto late = loop.begin(client->send(Request("GET", "/4"), steady_clock::now() + 20ms, {}));
  expect_failed(loop.finish(late), Fault::not_begun, false);
  arrived.wait();
  go.raise();
  for (const auto& one : pending) EXPECT_EQ(good(loop.finish(one)).body, "ok");
  EXPECT_EQ(order, (std::vector<std::string>{"/0", "/1", "/2", "/3"}));
  EXPECT_EQ(server.connections(), 1);
}

TEST_F(HttpClient, ManyRequestsShareTheConnections) {
  TestServer server([](Peer& peer) {
    while (auto request = peer.read_request()) {
      const std::size_t end = request->find(' ', 4);
      peer.write(answer(200, request->substr(4, end - 4)));
    }
  });
  ClientSettings settings = to(server.url());
  settings.connections_max = 4;
  open(settings);
  std::vector<std::shared_ptr<TestLoop::Pending<Outcome>>> pending;
  for (int i = 0; i < 300; ++i)
    pending.push_back(loop.begin(client->send(Request("GET", "/" + std::to_string(i)), far(), {})));
  for (int i = 0; i < 300; ++i)
    EXPECT_EQ(good(loop.finish(pending[static_cast<std::size_t>(i)])).body,
              "/" + std::to_string(i));
  EXPECT_EQ(server.connections(), 4);
}

TEST_F(HttpClient, AFailedRequestGivesItsPlaceToTheNext) {
  TestServer server([](Peer& peer) {
    peer.read_request();
    if (peer.number == 0) return peer.reset();
    peer.write(answer(200, "ok"));
  });
  ClientSettings settings = to(server.url());
  settings.connections_max = 1;
  open(settings);
  const auto first = loop.begin(client->send(Request("GET", "/"), far(), {}));
  const auto second = loop.begin(client->send(Request("GET", "/"), far(), {}));
  expect_failed(loop.finish(first), Fault::network, true);
  EXPECT_EQ(good(loop.finish(second)).body, "ok");
}

TEST_F(HttpClient, DestroyingTheClientEndsWhatIsUnderWayAndWhatWaits) {
  Signal arrived;
  TestServer server([&](Peer& peer) {
    while (peer.read_request()) arrived.raise();
  });
  ClientSettings settings = to(server.url());
  settings.connections_max = 1;
  open(settings);
  bool written = false;
  const auto note = [&] { return written = true; };
  const auto busy = loop.begin(client->send(Request("GET", "/"), far(), note));
  const auto waiting = loop.begin(client->send(Request("GET", "/"), far(), {}));
  loop.run_until([&] { return written; });
  client.reset();
  expect_failed(loop.finish(busy), Fault::network, true);
  expect_failed(loop.finish(waiting), Fault::network, false);
}

TEST_F(HttpClient, ALoopMayEndWithRequestsUnderWay) {
  TestServer server([](Peer& peer) {
    while (peer.read_request()) {
    }
  });
  auto inner = std::make_unique<TestLoop>();
  ClientSettings settings = to(server.url());
  settings.connections_max = 1;
  auto made = Client::make(inner->io, settings);
  ASSERT_TRUE(made.ok());
  bool written = false;
  const auto note = [&] { return written = true; };
  inner->begin((*made)->send(Request("GET", "/"), far(), note));
  inner->begin((*made)->send(Request("GET", "/"), far(), {}));
  inner->run_until([&] { return written; });
  made->reset();
  inner.reset();
}

TEST(HttpClientSettings, ThatCannotWorkAreRefused) {
  TestLoop loop;
  EXPECT_FALSE(Client::make(loop.io, to("nonsense")).ok());
  ClientSettings settings = to("https://localhost");
  settings.ca_file = "/nonexistent/ca.pem";
  const auto made = Client::make(loop.io, settings);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.failure().text.find("/nonexistent/ca.pem"), std::string::npos);
  settings = to("http://localhost");
  settings.connections_max = 0;
  EXPECT_FALSE(Client::make(loop.io, settings).ok());
}

}  // namespace
}  // namespace spool::http
