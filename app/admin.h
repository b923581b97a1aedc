#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gslb::app {

/// Bodies of most requests; those that take more say so.
inline constexpr std::size_t kSmallBody = std::size_t{16} << 10;
inline constexpr std::size_t kMaxBody = std::size_t{1} << 20;

/// A request to the admin API whose path and method have been recognised.
struct AdminRequest {
  std::map<std::string, std::string, std::less<>> query;  ///< Decoded; of equal names the last.
  std::string body;
  std::string name;  ///< What stands in place of "*" in the path of the handler, decoded.

  /// Empty where it is not given.
  std::string parameter(std::string_view key) const;
};

struct AdminResponse {
  unsigned status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::string allow = {};         ///< The field Allow, with status 405.
  std::string authenticate = {};  ///< The field WWW-Authenticate, with status 401.
};

/// The routes of the admin API: which function answers which method and path. Knows nothing of
/// sockets or HTTP syntax. One thread.
class AdminHandlers {
 public:
  /// Must be called once, now or later, on the same thread.
  using Reply = std::function<void(AdminResponse)>;
  using Handler = std::function<AdminResponse(const AdminRequest&)>;
  using AsyncHandler = std::function<void(const AdminRequest&, Reply)>;

  /// A "*" in a path stands for one part of it.
  void get(std::string path, Handler handler);
  void post(std::string path, AsyncHandler handler, std::size_t max_body = kSmallBody);

  /// How much body a request to `target` may have.
  std::size_t max_body(std::string_view method, std::string_view target) const;

  /// Answers a request; a problem (RFC 9457) where no handler does. `target` is the path, with a
  /// query perhaps, as it stands in the request.
  void dispatch(std::string_view method, std::string_view target, std::string body,
                const Reply& reply) const;

 private:
  struct Route {
    std::string method;
    std::string path;
    std::size_t max_body;
    AsyncHandler handler;
  };

  std::vector<Route> routes_;
};

}  // namespace gslb::app
