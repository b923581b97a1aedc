#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <tl/expected.hpp>

#include "app/admin.h"
#include "base/ip_address.h"

namespace boost::asio {
class io_context;
}

namespace gslb::app {

/// Serves the admin API as HTTP/1.1 on a Unix socket, and over TCP where it is asked for. A client
/// that is slow, or sends too much, costs one of 64 connections of its kind for at most 30 s, and
/// nobody else anything. Over TCP, see refuse_access() for who may do what.
///
/// One thread, that of `io`, which must outlive it. Handlers run on it, so they must be quick, and
/// are called only while the server is there.
class AdminServer {
 public:
  AdminServer(boost::asio::io_context& io, AdminHandlers handlers);
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;
  ~AdminServer();

  /// Listens at `path`, and no longer where it did before. On an error, "what is wrong; what to
  /// do", it goes on as it did.
  tl::expected<void, std::string> open(const std::filesystem::path& path);

  /// Likewise over TCP, and tells the port.
  tl::expected<base::SocketAddress, std::string> open(const base::SocketAddress& address);
  void close_http();

  /// What requests over TCP show from now on.
  void set_token(std::string token);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gslb::app
