#include "app/admin_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <utility>

#include "app/control_socket.h"

namespace gslb::app {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Protocol = asio::local::stream_protocol;

constexpr std::chrono::seconds kTimeout{60};
constexpr std::uint64_t kMaxReply = std::uint64_t{256} << 20;

/// One exchange. Asynchronous inside, for only so can it time out.
class Exchange {
 public:
  Exchange(const std::string& method, const std::string& target, const std::string& body)
      : request_(http::string_to_verb(method), target, 11) {
    request_.set(http::field::host, "localhost");
    request_.set(http::field::user_agent, "gslbctl");
    request_.keep_alive(false);
    if (!body.empty()) {
      request_.set(http::field::content_type, "application/json");
      request_.body() = body;
    }
    if (method != "GET") request_.prepare_payload();
    parser_.body_limit(kMaxReply);
  }

  tl::expected<AdminReply, std::string> run(const std::filesystem::path& path) {
    error_code error;
    stream_.socket().connect(Protocol::endpoint(path.string()), error);
    if (error) return tl::unexpected(error.message());
    stream_.expires_after(kTimeout);
    // Whatever becomes of the request: one that is refused may have its reply before its end.
    http::async_write(stream_, request_, [this](error_code, std::size_t) { read(); });
    io_.run();
    if (error_) return tl::unexpected(error_.message());
    auto response = parser_.release();
    return AdminReply{response.result_int(), std::move(response.body())};
  }

 private:
  void read() {
    http::async_read(stream_, buffer_, parser_,
                     [this](error_code error, std::size_t) { error_ = error; });
  }

  asio::io_context io_{1};
  beast::basic_stream<Protocol> stream_{io_};
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  error_code error_;
};

}  // namespace

tl::expected<AdminReply, std::string> ask_admin(const std::filesystem::path& socket,
                                                const std::string& method,
                                                const std::string& target,
                                                const std::string& body) {
  if (socket.native().size() > kMaxSocketPath) {
    return tl::unexpected<std::string>("the path is too long for a socket");
  }
  return Exchange(method, target, body).run(socket);
}

}  // namespace gslb::app
