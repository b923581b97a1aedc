#include "app/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "app/config_text.h"
#include "app/config_values.h"
#include "app/json_values.h"
#include "routing/compile.h"

namespace gslb::app {
namespace {

namespace json = boost::json;
using routing::Explanation;
using routing::Family;

std::string_view type_name(Family family) { return family == Family::kIpv4 ? "A" : "AAAA"; }

std::string percent(double share) { return fmt::format("{:.1f} %", share * 100); }

std::string_view source_text(routing::Location::Source source) {
  switch (source) {
    case routing::Location::Source::kConfigured:
      return "a [[location]] of the configuration";
    case routing::Location::Source::kDatabase:
      return "the geo database";
    case routing::Location::Source::kNone:
      break;
  }
  return "nobody";
}

std::string_view source_word(routing::Location::Source source) {
  switch (source) {
    case routing::Location::Source::kConfigured:
      return "configuration";
    case routing::Location::Source::kDatabase:
      return "database";
    case routing::Location::Source::kNone:
      break;
  }
  return "none";
}

std::string join(const std::vector<std::string>& words, std::string_view between) {
  return fmt::format("{}", fmt::join(words, between));
}

std::string client_text(const Explanation::Client& client) {
  if (client.source == routing::Location::Source::kNone) return "its place is not known";
  std::string text = join(client.regions, " < ");
  if (client.point) {
    text += fmt::format(", at {:.1f},{:.1f}", client.point->latitude, client.point->longitude);
  }
  return text + fmt::format(", says {}", source_text(client.source));
}

void append_level(const Explanation::Level& level, std::string& text) {
  const std::string indent(std::size_t{2} * level.depth, ' ');
  text += fmt::format("{}profile {}, method {}", indent, level.profile, to_string(level.method));
  if (level.depth > 0) text += fmt::format(", {}", percent(level.probability));
  text += "\n";
  std::size_t width = 0;
  for (const Explanation::Candidate& candidate : level.candidates) {
    width = std::max(width, candidate.name.size());
  }
  for (const Explanation::Candidate& candidate : level.candidates) {
    text += fmt::format(
        "{}  {:<3}  {:<{}}  {:>7}  {}\n", indent, candidate.is_in ? "in" : "out", candidate.name,
        width, candidate.probability > 0 ? percent(candidate.probability) : "-", candidate.reason);
  }
  if (!level.note.empty()) text += fmt::format("{}  {}\n", indent, level.note);
}

void append_result(const Explanation::Result& result, std::string& text) {
  text += fmt::format("  {:>7}  ", percent(result.probability));
  if (result.answers.empty()) {
    text += std::string(to_string(result.kind));
  } else {
    text += join(result.answers, " ");
    if (result.kind == routing::Outcome::Kind::kFallback) text += " (fallback)";
    text += fmt::format(", TTL {} ({})", result.ttl.count(), result.ttl_reason);
  }
  text += "\n";
}

json::array to_array(const std::vector<std::string>& words) {
  json::array array;
  for (const std::string& word : words) array.emplace_back(word);
  return array;
}

json::object to_object(const Explanation::Level& level) {
  json::array candidates;
  for (const Explanation::Candidate& candidate : level.candidates) {
    candidates.push_back(
        json::object{{candidate.is_profile ? "profile" : "endpoint", candidate.name},
                     {"in", candidate.is_in},
                     {"reason", candidate.reason},
                     {"probability", candidate.probability}});
  }
  json::object object{{"profile", level.profile},
                      {"method", to_string(level.method)},
                      {"depth", level.depth},
                      {"probability", level.probability},
                      {"candidates", std::move(candidates)}};
  if (!level.note.empty()) object["note"] = level.note;
  return object;
}

json::object to_object(const Explanation::Result& result) {
  json::object object{{"kind", to_string(result.kind)},
                      {"answers", to_array(result.answers)},
                      {"probability", result.probability}};
  if (!result.endpoint.empty()) object["endpoint"] = result.endpoint;
  if (!result.answers.empty()) {
    object["ttl"] = result.ttl.count();
    object["ttl_reason"] = result.ttl_reason;
  }
  return object;
}

json::object to_object(const Explanation::Client& client) {
  json::object object{{"address", base::to_string(client.address)},
                      {"regions", to_array(client.regions)},
                      {"source", source_word(client.source)}};
  if (client.point) {
    object["coordinates"] = json::array{client.point->latitude, client.point->longitude};
  }
  return object;
}

}  // namespace

tl::expected<ExplainQuestion, std::string> parse_explain_question(std::string_view name,
                                                                  std::string_view client,
                                                                  std::string_view type) {
  ExplainQuestion question;
  const auto owner = dns::parse_name(name);
  if (!owner) {
    return tl::make_unexpected(loading::quote(name) + " is no DNS name (" + owner.error() +
                               "); write one such as vpn.gslb.example.com");
  }
  question.name = *owner;
  const auto network = loading::parse_prefix(client);
  if (!network) {
    return tl::make_unexpected(loading::quote(client) +
                               " is no address; write one such as 203.0.113.7, or a network");
  }
  question.client = base::to_range(*network).first;
  std::string upper(type);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  if (upper != "A" && upper != "AAAA") {
    return tl::make_unexpected(loading::quote(type) +
                               " is not a type that profiles answer; write A or AAAA");
  }
  question.family = upper == "A" ? Family::kIpv4 : Family::kIpv6;
  return question;
}

tl::expected<routing::ProfileId, std::string> find_profile(const Config& config,
                                                           const ZoneList& zones,
                                                           const dns::Name& name) {
  for (routing::ProfileId id = 0; id < config.profiles.size(); ++id) {
    const routing::ProfileSpec& profile = config.profiles[id];
    if (profile.has_owner() && profile.owner == name) return id;
  }
  for (const auto& zone : zones) {
    if (!name.is_at_or_below(zone->apex())) continue;
    const zones::Node* node = zone->find(name);
    if (node != nullptr && node->alias) return node->alias->profile;
  }
  return tl::make_unexpected(
      "no profile answers " + name.to_string() +
      "; ask for the name of one, or for a CNAME in a zone that leads to it");
}

tl::expected<ExplainAnswer, std::string> explain(const ControlPlane& control,
                                                 const ExplainQuestion& question) {
  const auto id = find_profile(control.config(), control.zones(), question.name);
  if (!id) return tl::make_unexpected(id.error());
  const auto snapshot = control.published().current();
  const zones::CompiledProfile& profile = *snapshot->profiles[*id];
  const routing::DecisionTree& tree =
      question.family == Family::kIpv4 ? profile.a.tree : profile.aaaa.tree;
  const auto stale = control.health().isolation().isolated_since();
  return ExplainAnswer{question, control.config().profiles[*id].name,
                       routing::explain(*id, control.routing_state(), tree, question.family,
                                        question.client, *snapshot->latency),
                       stale ? "by stale statuses, frozen since " + format_time(*stale) : ""};
}

tl::expected<ExplainAnswer, std::string> explain_offline(const Config& config,
                                                         const ExplainQuestion& question) {
  zones::SigningTime time;
  time.cache = std::make_shared<zones::SignatureCache>();
  time.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const ZoneList zones = make_zones(config, time);
  const auto id = find_profile(config, zones, question.name);
  if (!id) return tl::make_unexpected(id.error());
  std::vector<routing::EndpointSpec> endpoints;
  for (const EndpointConfig& endpoint : config.endpoints) endpoints.push_back(endpoint.routing);
  const std::vector<routing::EndpointState> states(
      endpoints.size(), {base::EndpointStatus::kOnline, base::EndpointStatus::kOnline});
  const routing::RoutingState state{
      config.profiles, endpoints, states, {}, config.location_map.get()};
  routing::Judge judge(state);
  const routing::DecisionTree tree = routing::compile(*id, state, judge, question.family);
  return ExplainAnswer{
      question, config.profiles[*id].name,
      routing::explain(*id, state, tree, question.family, question.client, *zones::no_latency()),
      "supposes that every site is Online, and knows no measured latency"};
}

std::string to_text(const ExplainAnswer& answer) {
  const Explanation& explanation = answer.explanation;
  std::string text =
      fmt::format("{} {} for client {}\n", answer.question.name.to_string(),
                  type_name(explanation.family), base::to_string(answer.question.client));
  if (!answer.note.empty()) text += fmt::format("({})\n", answer.note);
  text += fmt::format("client: {}\n", client_text(explanation.client));
  for (const Explanation::Level& level : explanation.levels) append_level(level, text);
  text += "answers\n";
  constexpr std::size_t kShown = 16;
  for (std::size_t i = 0; i < std::min(explanation.results.size(), kShown); ++i) {
    append_result(explanation.results[i], text);
  }
  if (explanation.results.size() > kShown) {
    text +=
        fmt::format("  and {} more; --json has them all\n", explanation.results.size() - kShown);
  }
  text +=
      fmt::format("ECS scope: /{}, so {} is answered alike\n", explanation.scope,
                  base::to_string(base::AddressPrefix{
                      base::masked(answer.question.client, explanation.scope), explanation.scope}));
  return text;
}

std::string to_json(const ExplainAnswer& answer) {
  const Explanation& explanation = answer.explanation;
  json::array levels, results;
  for (const Explanation::Level& level : explanation.levels) levels.push_back(to_object(level));
  for (const Explanation::Result& result : explanation.results) {
    results.push_back(to_object(result));
  }
  json::object object{{"name", answer.question.name.to_string()},
                      {"type", type_name(explanation.family)},
                      {"profile", answer.profile},
                      {"client", to_object(explanation.client)},
                      {"levels", std::move(levels)},
                      {"results", std::move(results)},
                      {"scope", explanation.scope}};
  if (!answer.note.empty()) object["note"] = answer.note;
  return json::serialize(object);
}

}  // namespace gslb::app
