#include "app/config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <exception>
#include <optional>
#include <utility>

#include "app/config_file.h"
#include "app/config_reader.h"
#include "app/config_report.h"
#include "app/config_sections.h"
#include "app/config_text.h"

namespace gslb::app {
namespace {

using loading::Report;

/// What to do about the syntax errors that people make most, by what toml++ says of them.
std::string_view syntax_advice(std::string_view description) {
  struct Advice {
    std::string_view fragment;
    std::string_view advice;
  };
  constexpr std::array<Advice, 6> kAdvice{{
      {"utf-8", "save the file as UTF-8"},
      {"could not determine value type", "put text in double quotes"},
      {"expected digit, saw", "put a duration or an address in double quotes"},
      {"escape sequence", "write \\\\ for a backslash, or put the text in single quotes"},
      {"control characters", "end the string with a quote on the same line"},
      {"cannot redefine", "remove one of the two"},
  }};
  for (const Advice& advice : kAdvice) {
    if (description.find(advice.fragment) != std::string_view::npos) return advice.advice;
  }
  return {};
}

/// toml++ counts the end of the file as a character; editors do not.
loading::Position inside(std::string_view text, loading::Position at) {
  for (std::size_t line = 1; line < at.line; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return at;
    text.remove_prefix(end + 1);
  }
  at.column = std::min(at.column, std::min(text.find('\n'), text.size()) + 1);
  return at;
}

/// Nothing after a syntax error, which is reported; TOML knows no way to read on.
std::optional<toml::table> parse_toml(std::string_view text, Report& report) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    const std::string_view description = error.description();
    std::string message = loading::printable(description, description.size());
    const std::string_view advice = syntax_advice(description);
    if (!advice.empty()) message += "; " + std::string(advice);
    report.error(inside(text, loading::position_of(error.source())), {}, std::move(message));
    return std::nullopt;
  }
}

/// The keys at top level: a section that this version does not have, or a slip of the pen.
void check_sections(const toml::table& root, Report& report) {
  const loading::Words known{"server",   "tsig",    "zone",     "health", "monitor",
                             "endpoint", "profile", "location", "latency"};
  const loading::Words later{"include"};
  loading::TableReader(root, {}, report).check_keys(known, later);
}

/// Only once all else is right: a misspelt name makes what it stands for look unused.
void warn_of_unused(const loading::Draft& draft, Report& report) {
  draft.tsig_keys.warn_of_unused("is the transfer_key of no zone; add it to one, or remove it",
                                 report);
  draft.monitors.warn_of_unused(
      "is used by no endpoint; add it to the monitors of one, or remove it", report);
  draft.endpoints.warn_of_unused(
      "is used by no profile; add it to the endpoints of one, or remove it", report);
}

ConfigResult check(std::string_view text, const std::filesystem::path& folder, std::uint32_t serial,
                   Report& report) {
  if (const auto problem = loading::find_text_problem(text)) {
    report.error(problem->at, {}, problem->message);
    return {nullptr, report.take_sorted()};
  }
  const std::optional<toml::table> root = parse_toml(text, report);
  if (!root) return {nullptr, report.take_sorted()};

  loading::Draft draft;
  draft.config.serial = serial;
  draft.folder = folder;
  check_sections(*root, report);
  loading::read_server(*root, draft, report);
  loading::read_tsig_keys(*root, draft, report);
  loading::read_zones(*root, draft, report);
  loading::read_health(*root, draft, report);
  loading::read_monitors(*root, draft, report);
  loading::read_endpoints(*root, draft, report);
  loading::read_locations(*root, draft, report);
  loading::read_profiles(*root, draft, report);
  loading::read_geo_database(*root, draft, report);
  loading::read_latency(*root, draft, report);

  if (!report.has_errors()) loading::check_zones(draft, report);
  if (report.has_errors()) return {nullptr, report.take_sorted()};
  warn_of_unused(draft, report);
  return {std::make_shared<const Config>(std::move(draft.config)), report.take_sorted()};
}

ConfigResult failed(const std::string& file, const std::string& message) {
  Report report(file);
  report.error({}, {}, message);
  return {nullptr, report.take_sorted()};
}

}  // namespace

ConfigResult load_config(const std::filesystem::path& file) {
  try {
    const auto content = loading::read_file(file);
    if (!content) return failed(file.string(), content.error());
    return parse_config(content->text, file.string(), content->modified);
  } catch (const std::exception& error) {
    return failed(file.string(), error.what());
  }
}

ConfigResult parse_config(std::string_view text, const std::string& file, std::uint32_t serial) {
  try {
    Report report(file);
    return check(text, std::filesystem::path(file).parent_path(), serial, report);
  } catch (const std::exception& error) {
    return failed(file, error.what());
  }
}

std::filesystem::path resolve_folder(const std::filesystem::path& config_folder,
                                     const std::string& path) {
  // The empty last part is what parent_path() takes away, whether `path` ends in '/' or not.
  return (config_folder / path / "").lexically_normal().parent_path();
}

tl::expected<std::filesystem::path, std::string> find_key_dir(const std::filesystem::path& file,
                                                              const dns::Name& zone) {
  const auto fail = [](const Diagnostics& diagnostics) {
    return tl::make_unexpected(diagnostics.front().to_string());
  };
  try {
    const auto content = loading::read_file(file);
    if (!content) return fail(failed(file.string(), content.error()).diagnostics);
    Report report(file.string());
    const std::optional<toml::table> root = parse_toml(content->text, report);
    if (!root) return fail(report.take_sorted());
    const toml::table* zones = (*root)["zone"].as_table();
    for (const auto& [key, node] : zones == nullptr ? toml::table() : *zones) {
      const auto name = dns::parse_name(key.str());
      if (!name || !(*name == zone)) continue;
      const auto key_dir = node.at_path("dnssec.key_dir").value<std::string>();
      if (key_dir && !key_dir->empty()) return resolve_folder(file.parent_path(), *key_dir);
      report.error(loading::position_of(key.source()), {},
                   "the zone is not signed; add dnssec = { key_dir = \"keys\" } to it");
      return fail(report.take_sorted());
    }
    return fail(
        failed(file.string(), "has no [zone.\"" + zone.to_string() + "\"]; add it").diagnostics);
  } catch (const std::exception& error) {
    return tl::make_unexpected(file.string() + ": " + error.what());
  }
}

tl::expected<std::filesystem::path, std::string> find_control(const std::filesystem::path& file) {
  try {
    const auto content = loading::read_file(file);
    if (!content) {
      return tl::unexpected(failed(file.string(), content.error()).diagnostics.front().to_string());
    }
    Report report(file.string());
    const std::optional<toml::table> root = parse_toml(content->text, report);
    if (!root) return tl::unexpected(report.take_sorted().front().to_string());
    const auto control = root->at_path("server.control").value<std::string>();
    return control ? resolve_folder(file.parent_path(), *control) : ControlSpec{}.path;
  } catch (const std::exception& error) {
    return tl::unexpected(file.string() + ": " + error.what());
  }
}

}  // namespace gslb::app
