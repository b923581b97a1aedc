#include "app/admin_access.h"

#include <openssl/crypto.h>

#include <boost/beast/core/string.hpp>

#include "app/admin_json.h"
#include "base/ip_address.h"

namespace gslb::app {
namespace {

namespace beast = boost::beast;

constexpr std::string_view kScheme = "bearer ";

bool shows(std::string_view authorization, std::string_view token) {
  if (!beast::iequals(authorization.substr(0, kScheme.size()), kScheme)) return false;
  const std::string_view shown = authorization.substr(kScheme.size());
  return !token.empty() && shown.size() == token.size() &&
         CRYPTO_memcmp(shown.data(), token.data(), token.size()) == 0;
}

/// A name of this host that nobody else can point here, or an address.
bool is_local_name(std::string_view host) {
  const std::size_t port = host.find_last_of(":]");
  if (port != std::string_view::npos && host[port] == ':') host = host.substr(0, port);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  return host.empty() || beast::iequals(host, "localhost") ||
         base::parse_ip_address(host).has_value();
}

AdminResponse unauthorized(std::string_view detail) {
  AdminResponse response = make_problem(401, detail);
  response.authenticate = "Bearer realm=\"gslbd\"";
  return response;
}

}  // namespace

std::optional<AdminResponse> refuse_access(const AccessRequest& request, std::string_view token) {
  if (shows(request.authorization, token)) return std::nullopt;
  if (!request.authorization.empty()) {
    return unauthorized(token.empty() ? "there is no token_file, so no token is right"
                                      : "this is not the token of token_file");
  }
  const bool is_read = request.method == "GET" || request.method == "HEAD";
  if (!request.is_loopback || !is_read) {
    return unauthorized(token.empty()
                            ? "changes over TCP need a token_file; or use the control socket"
                            : "show the token of token_file: Authorization: Bearer TOKEN");
  }
  if (!is_local_name(request.host)) {
    return unauthorized("under this name a token is needed; or ask for localhost");
  }
  return std::nullopt;
}

}  // namespace gslb::app
