#include "app/gslbctl_latency.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <cstdio>
#include <exception>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "app/config_text.h"
#include "app/config_values.h"
#include "app/gslbctl_client.h"
#include "base/file.h"

namespace gslb::app {
namespace {

namespace json = boost::json;
using loading::quote;

constexpr std::size_t kMaxFile = std::size_t{1} << 30;
/// Below the limits of the daemon, in number and in octets, however long the names are.
constexpr std::size_t kBatch = 5000;
constexpr double kMaxRttMs = 60'000;
/// More than one endpoint has reasons for, on a terminal.
constexpr std::size_t kMaxErrors = 20;

struct Options : ControlOptions {
  std::string file;
  std::string endpoint;
  std::string prefix;
};

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

/// Nothing where there are not three fields.
std::optional<std::array<std::string_view, 3>> split(std::string_view line) {
  const std::size_t first = line.find(',');
  const std::size_t second = first == std::string_view::npos ? first : line.find(',', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const std::string_view last = line.substr(second + 1);
  if (last.find(',') != std::string_view::npos) return std::nullopt;
  return std::array{trimmed(line.substr(0, first)),
                    trimmed(line.substr(first + 1, second - first - 1)), trimmed(last)};
}

tl::expected<base::IpAddress, std::string> parse_client(std::string_view text) {
  const auto prefix = loading::parse_prefix(text);
  if (!prefix) return tl::unexpected(prefix.error());
  const unsigned kept = prefix->address.is_v4() ? 24 : 48;
  if (prefix->length < kept) {
    return tl::make_unexpected(
        fmt::format("{} is wider than the /{} that a measurement is kept for; write it into "
                    "server.latency_file instead",
                    quote(text), kept));
  }
  return prefix->address;
}

tl::expected<MeasuredLine, std::string> parse_line(std::string_view line) {
  const auto fields = split(line);
  if (!fields) {
    return tl::make_unexpected(
        "expected three fields; write CLIENT,ENDPOINT,RTT_MS such as 203.0.113.7,london,12.5");
  }
  const auto client = parse_client((*fields)[0]);
  if (!client) return tl::unexpected(client.error());
  if ((*fields)[1].empty()) return tl::make_unexpected("the endpoint is missing; write its name");
  const std::string_view rtt = (*fields)[2];
  double ms = 0;
  const auto [end, error] = std::from_chars(rtt.data(), rtt.data() + rtt.size(), ms);
  const bool is_number = error == std::errc() && end == rtt.data() + rtt.size();
  if (!is_number || !(ms >= 0 && ms <= kMaxRttMs)) {
    return tl::make_unexpected(quote(rtt) + " is no latency; write milliseconds from 0 to 60000");
  }
  return MeasuredLine{0, *client, std::string((*fields)[1]), ms};
}

bool is_header(std::string_view line) {
  const auto fields = split(line);
  return fields && (*fields)[1] == "endpoint" && (*fields)[2] == "rtt_ms";
}

// ---------------------------------------------------------------------------------------------
// import

tl::expected<std::string, std::string> read_input(const std::string& file) {
  if (file == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  auto content = base::read_file(file, kMaxFile, "is larger than 1 GiB; split it");
  if (!content) return tl::make_unexpected(file + ": " + content.error());
  return std::move(content->text);
}

std::string to_json(std::span<const MeasuredLine> lines) {
  json::array measurements;
  for (const MeasuredLine& line : lines) {
    measurements.push_back(json::object{{"client", base::to_string(line.client)},
                                        {"endpoint", line.endpoint},
                                        {"rtt_ms", line.rtt_ms}});
  }
  return json::serialize(json::object{{"measurements", std::move(measurements)}});
}

struct Imported {
  std::size_t accepted = 0;
  std::vector<std::pair<std::size_t, std::string>> rejected;  ///< By line.
};

/// False where the reply cannot be read.
bool add_reply(const std::string& reply, std::span<const MeasuredLine> lines, Imported& imported) {
  try {
    const json::value document = json::parse(reply);
    const json::object& object = document.as_object();
    imported.accepted += object.at("accepted").to_number<std::size_t>();
    for (const json::value& item : object.at("rejected").as_array()) {
      const auto index = item.as_object().at("index").to_number<std::size_t>();
      if (index >= lines.size()) return false;
      imported.rejected.emplace_back(lines[index].line,
                                     std::string(item.as_object().at("reason").as_string()));
    }
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void print_errors(const std::vector<std::string>& errors) {
  const std::size_t shown = std::min(errors.size(), kMaxErrors);
  for (std::size_t i = 0; i < shown; ++i) fmt::print(stderr, "{}\n", errors[i]);
  if (shown < errors.size()) fmt::print(stderr, "… and {} more\n", errors.size() - shown);
}

void print_import(const Options& options, const Imported& imported) {
  if (options.json) {
    json::array rejected;
    for (const auto& [line, reason] : imported.rejected) {
      rejected.push_back(json::object{{"line", line}, {"reason", reason}});
    }
    fmt::print("{}\n", json::serialize(json::object{{"accepted", imported.accepted},
                                                    {"rejected", std::move(rejected)}}));
    return;
  }
  std::vector<std::string> errors;
  for (const auto& [line, reason] : imported.rejected) {
    errors.push_back(fmt::format("{}:{}: {}", options.file, line, reason));
  }
  print_errors(errors);
  fmt::print("{} accepted, {} rejected\n", imported.accepted, imported.rejected.size());
}

int import_file(const Options& options) {
  const auto text = read_input(options.file);
  if (!text) return complain(text.error());
  const auto lines = parse_measured_lines(*text, options.file);
  if (!lines) {
    print_errors(lines.error());
    return complain("nothing was imported");
  }
  Imported imported;
  for (std::size_t from = 0; from < lines->size(); from += kBatch) {
    const std::span batch = std::span(*lines).subspan(from, std::min(kBatch, lines->size() - from));
    int status = kExitOk;
    const auto reply = ask_for_json(options, "POST", "/v1/measurements", to_json(batch), status);
    if (!reply) {
      if (imported.accepted > 0) print_import(options, imported);
      return status;
    }
    if (!add_reply(*reply, batch, imported)) return complain("the reply of gslbd cannot be read");
  }
  print_import(options, imported);
  return imported.rejected.empty() ? kExitOk : kExitFailed;
}

// ---------------------------------------------------------------------------------------------
// show

tl::expected<std::string, std::string> latency_table(std::string_view text) {
  try {
    const json::value reply = json::parse(json::string_view(text.data(), text.size()));
    TextTable table({"NETWORK", "ENDPOINT", "RTT ms", "SOURCE", "AGE s"});
    for (const json::value& item : reply.as_object().at("rows").as_array()) {
      const json::object& row = item.as_object();
      const json::value* age = row.if_contains("age_s");
      table.add({std::string(row.at("network").as_string()),
                 std::string(row.at("endpoint").as_string()),
                 fmt::format("{:.1f}", row.at("rtt_ms").to_number<double>()),
                 std::string(row.at("source").as_string()),
                 age == nullptr ? "" : std::to_string(age->to_number<long long>())});
    }
    return table.to_string();
  } catch (const std::exception& error) {
    return tl::make_unexpected(std::string("the reply of gslbd cannot be read: ") + error.what());
  }
}

int show_rows(const Options& options) {
  std::string query;
  if (!options.prefix.empty()) query += "&prefix=" + encode_query(options.prefix);
  if (!options.endpoint.empty()) query += "&endpoint=" + encode_query(options.endpoint);
  if (!query.empty()) query.front() = '?';
  int status = kExitOk;
  const auto reply = ask_for_json(options, "GET", "/v1/latency" + query, "", status);
  if (!reply) return status;
  if (options.json) {
    fmt::print("{}\n", *reply);
    return kExitOk;
  }
  const auto table = latency_table(*reply);
  if (!table) return complain(table.error());
  fmt::print("{}", *table);
  return kExitOk;
}

}  // namespace

tl::expected<std::vector<MeasuredLine>, std::vector<std::string>> parse_measured_lines(
    std::string_view text, const std::string& name) {
  std::vector<MeasuredLine> lines;
  std::vector<std::string> errors;
  bool is_first = true;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = trimmed(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    if (line.empty() || line.front() == '#') continue;
    if (std::exchange(is_first, false) && is_header(line)) continue;
    auto parsed = parse_line(line);
    if (parsed) {
      parsed->line = number;
      lines.push_back(*std::move(parsed));
    } else {
      errors.push_back(fmt::format("{}:{}: {}", name, number, parsed.error()));
    }
  }
  if (!errors.empty()) return tl::unexpected(std::move(errors));
  return lines;
}

void add_latency_commands(CLI::App& app, Command& command) {
  const auto options = std::make_shared<Options>();
  CLI::App& latency = *app.add_subcommand("latency", "Feed and show the latency map");
  latency.require_subcommand(1);

  CLI::App& importing = *latency.add_subcommand("import", "Send measured latencies to gslbd");
  importing.add_option("FILE", options->file, "Lines CLIENT,ENDPOINT,RTT_MS; - for standard input")
      ->required();
  add_control_options(importing, *options);
  importing.callback(
      [&command, options] { command = [options] { return import_file(*options); }; });

  CLI::App& showing = *latency.add_subcommand("show", "Show what is known");
  showing.add_option("PREFIX", options->prefix, "Only networks that overlap with this one");
  showing.add_option("--endpoint", options->endpoint, "Only this endpoint")->type_name("NAME");
  add_control_options(showing, *options);
  showing.callback([&command, options] { command = [options] { return show_rows(*options); }; });
}

}  // namespace gslb::app
