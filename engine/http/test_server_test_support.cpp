#include "engine/http/test_server_test_support.hpp"

#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <fstream>
#include <thread>
#include <vector>

#include "engine/base/assert.hpp"

namespace spool::http {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using namespace std::chrono_literals;

constexpr auto kPatience = 20s;

class SocketPeer : public Peer {
 public:
  SocketPeer(tcp::socket socket, ssl::context* context) : socket_(std::move(socket)) {
    if (context) tls_.emplace(socket_, *context);
  }

  bool greet() {
    error_code error;
    if (tls_) tls_->handshake(ssl::stream_base::server, error);
    return !error;
  }

  std::optional<std::string> read_request() override {
    std::size_t head = std::string::npos;
    while ((head = in_.find("\r\n\r\n")) == std::string::npos)
      if (!read_more()) return std::nullopt;
    std::size_t size = head + 4;
    const std::size_t length = in_.find("Content-Length: ");
    if (length < head) size += std::stoul(in_.substr(length + 16));
    while (in_.size() < size)
      if (!read_more()) return std::nullopt;
    std::string request = in_.substr(0, size);
    in_.erase(0, size);
    return request;
  }

  bool write(std::string_view text) override {
    error_code error;
    if (tls_) {
      asio::write(*tls_, asio::buffer(text), error);
    } else {
      asio::write(socket_, asio::buffer(text), error);
    }
    return !error;
  }

  void end() override {
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < until) {
      tcp_info info{};
      socklen_t size = sizeof info;
      if (getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return;
      // Acknowledged, or the client has closed as well.
      if (info.tcpi_state != TCP_FIN_WAIT1) return;
      std::this_thread::yield();
    }
  }

  void reset() override {
    error_code ignored;
    socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
  }

  std::string asked_name() override {
    const char* name =
        tls_ ? SSL_get_servername(tls_->native_handle(), TLSEXT_NAMETYPE_host_name) : nullptr;
    return name ? name : "";
  }

  // From the server's thread: ends what the script waits for.
  void interrupt() { ::shutdown(socket_.native_handle(), SHUT_RDWR); }

 private:
  bool read_more() {
    char bytes[4096];
    error_code error;
    const std::size_t got = tls_ ? tls_->read_some(asio::buffer(bytes), error)
                                 : socket_.read_some(asio::buffer(bytes), error);
    in_.append(bytes, got);
    return !error;
  }

  tcp::socket socket_;
  std::optional<ssl::stream<tcp::socket&>> tls_;
  std::string in_;
};

template <typename T, typename Write>
std::string pem(T* object, Write write) {
  BIO* bio = BIO_new(BIO_s_mem());
  SPOOL_ASSERT(write(bio, object) == 1, "PEM is written");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
  SPOOL_ASSERT(extension != nullptr, "an extension");
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

X509* make_certificate(const char* name, long serial, EVP_PKEY* key) {
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_pubkey(certificate, key);
  return certificate;
}

}  // namespace

void Signal::raise() {
  const std::lock_guard lock(mutex_);
  ++times_;
  raised_.notify_all();
}

void Signal::wait(int times) {
  std::unique_lock lock(mutex_);
  SPOOL_ASSERT(raised_.wait_for(lock, kPatience, [&] { return times_ >= times; }),
               "a signal that a test waits for comes");
}

struct TestServer::Impl {
  Impl(Script what, std::optional<Certificate> certificate) : script(std::move(what)) {
    if (certificate) {
      context.emplace(ssl::context::tls_server);
      context->use_certificate_chain(asio::buffer(certificate->chain));
      context->use_private_key(asio::buffer(certificate->key), ssl::context::pem);
    }
    port = acceptor.local_endpoint().port();
    thread = std::thread([this] { accept(); });
  }

  ~Impl() {
    stopping = true;
    // Wakes accept(), which close() of another thread does not.
    ::shutdown(acceptor.native_handle(), SHUT_RDWR);
    thread.join();
    for (const auto& peer : peers) peer->interrupt();
    for (auto& script_thread : threads) script_thread.join();
  }

  void accept() {
    while (!stopping) {
      error_code error;
      tcp::socket socket = acceptor.accept(error);
      if (error || stopping) return;
      auto peer = std::make_shared<SocketPeer>(std::move(socket), context ? &*context : nullptr);
      peer->number = accepted++;
      peers.push_back(peer);
      threads.emplace_back([this, peer] {
        if (!peer->greet()) return peer->end();
        script(*peer);
        peer->end();
      });
    }
  }

  const Script script;
  std::optional<ssl::context> context;
  asio::io_context io;
  tcp::acceptor acceptor{io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  std::uint16_t port = 0;
  std::atomic<bool> stopping{false};
  std::atomic<int> accepted{0};
  // The accepting thread's until it has been joined.
  std::vector<std::shared_ptr<SocketPeer>> peers;
  std::vector<std::thread> threads;
  std::thread thread;
};

TestServer::TestServer(Script script, std::optional<Certificate> certificate)
    : impl_(std::make_unique<Impl>(std::move(script), std::move(certificate))) {}
TestServer::~TestServer() = default;

std::uint16_t TestServer::port() const {
  return impl_->port;
}

std::string TestServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port());
}

int TestServer::connections() const {
  return impl_->accepted;
}

std::string answer(int status, std::string_view body, std::string_view extra_lines) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Text\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         std::string(extra_lines) + "\r\n" + std::string(body);
}

TestServer::Script always(std::string text) {
  return [text = std::move(text)](Peer& peer) {
    while (peer.read_request()) peer.write(text);
  };
}

struct TestAuthority::Impl {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = make_certificate("Test authority", 1, key);
  long serial = 1;

  Impl() {
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate, certificate, NID_key_usage, "critical,keyCertSign");
    X509_sign(certificate, key, EVP_sha256());
  }
  ~Impl() {
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
};

TestAuthority::TestAuthority() : impl_(std::make_unique<Impl>()) {
  char path[] = "/tmp/spool-http-ca-XXXXXX";
  const int file = mkstemp(path);
  SPOOL_ASSERT(file >= 0, "a temporary file");
  close(file);
  file_ = path;
  std::ofstream(file_) << pem(impl_->certificate, PEM_write_bio_X509);
}

TestAuthority::~TestAuthority() {
  unlink(file_.c_str());
}

Certificate TestAuthority::certify(const std::string& names) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* leaf = make_certificate("Test service", ++impl_->serial, key);
  X509_set_issuer_name(leaf, X509_get_subject_name(impl_->certificate));
  add_extension(leaf, impl_->certificate, NID_subject_alt_name, names.c_str());
  X509_sign(leaf, impl_->key, EVP_sha256());
  const auto write_key = [](BIO* bio, EVP_PKEY* what) {
    return PEM_write_bio_PrivateKey(bio, what, nullptr, nullptr, 0, nullptr, nullptr);
  };
  Certificate made{pem(leaf, PEM_write_bio_X509), pem(key, write_key)};
  X509_free(leaf);
  EVP_PKEY_free(key);
  return made;
}

void TestLoop::run_until(const std::function<bool()>& done) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    io.restart();
    io.run_one_until(until);
    SPOOL_ASSERT(std::chrono::steady_clock::now() < until, "what a test waits for happens");
  }
}

}  // namespace spool::http
