#include "app/admin.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "app/admin_json.h"

namespace gslb::app {
namespace {

/// Undoes percent-encoding (RFC 3986 §2.1), and '+' for a blank as forms write it.
std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const std::string_view digits = text.substr(i + 1, 2);
      unsigned value = 0;
      const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
      if (digits.size() != 2 || end.ptr != digits.data() + 2) return std::nullopt;
      out += static_cast<char>(value);
      i += 2;
    }
  }
  return out;
}

/// Nothing where the encoding is broken.
std::optional<AdminRequest> parse_query(std::string_view query) {
  AdminRequest request;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode(pair.substr(0, equals));
    auto value = decode(pair.substr(std::min(pair.size(), equals + 1)));
    if (!name || !value) return std::nullopt;
    request.query.insert_or_assign(*std::move(name), *std::move(value));
  }
  return request;
}

/// The part of `path` that "*" in `pattern` stands for; empty for a pattern without. Nothing where
/// they do not match.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return pattern == path ? std::optional(std::string_view()) : std::nullopt;
  }
  const std::string_view before = pattern.substr(0, star);
  const std::string_view behind = pattern.substr(star + 1);
  if (!path.starts_with(before) || !path.ends_with(behind)) return std::nullopt;
  if (path.size() <= before.size() + behind.size()) return std::nullopt;
  const std::string_view part =
      path.substr(before.size(), path.size() - before.size() - behind.size());
  return part.find('/') == std::string_view::npos ? std::optional(part) : std::nullopt;
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

}  // namespace

std::string AdminRequest::parameter(std::string_view key) const {
  const auto found = query.find(key);
  return found == query.end() ? "" : found->second;
}

void AdminHandlers::get(std::string path, Handler handler) {
  routes_.push_back(
      {"GET", std::move(path), kSmallBody,
       [handler = std::move(handler)](const AdminRequest& request, const Reply& reply) {
         reply(handler(request));
       }});
}

void AdminHandlers::post(std::string path, AsyncHandler handler, std::size_t max_body) {
  routes_.push_back({"POST", std::move(path), max_body, std::move(handler)});
}

std::size_t AdminHandlers::max_body(std::string_view method, std::string_view target) const {
  for (const Route& route : routes_) {
    if (route.method == method && match(route.path, path_of(target))) return route.max_body;
  }
  return kSmallBody;
}

void AdminHandlers::dispatch(std::string_view method, std::string_view target, std::string body,
                             const Reply& reply) const {
  const std::string_view path = path_of(target);
  std::string allow;
  for (const Route& route : routes_) {
    const auto part = match(route.path, path);
    if (!part) continue;
    if (route.method == method) {
      auto request = parse_query(target.substr(std::min(target.size(), path.size() + 1)));
      if (!request) return reply(make_problem(400, "the query is not percent-encoded correctly"));
      const auto name = decode(*part);
      if (!name) return reply(make_problem(400, "the path is not percent-encoded correctly"));
      request->name = *name;
      request->body = std::move(body);
      return route.handler(*request, reply);
    }
    allow += (allow.empty() ? "" : ", ") + route.method;
  }
  if (allow.empty()) return reply(make_problem(404, "there is no such path in this API"));
  AdminResponse response = make_problem(405, "this path takes " + allow);
  response.allow = std::move(allow);
  reply(std::move(response));
}

}  // namespace gslb::app
