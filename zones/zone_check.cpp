#include "zones/zone_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "zones/master_file.h"

namespace gslb::zones {
namespace {

using Kind = ZoneData::Lookup::Kind;

/// What cannot stand beside a profile: the types that it answers itself, and CNAME.
constexpr std::pair<std::uint16_t, const char*> kProfileTypes[] = {
    {dns::type::kA, "an A record"},
    {dns::type::kAaaa, "an AAAA record"},
    {dns::type::kCname, "a CNAME"}};

/// Longer chains of CNAMEs are not looked into.
constexpr std::size_t kLongestChain = 64;

class ZoneCheck {
 public:
  ZoneCheck(const ZoneSpec& spec, std::span<const ProfileName> profiles)
      : spec_(spec), data_(spec, profiles, 0) {}

  std::vector<ZoneProblem> run() && {
    check_records();
    check_apex();
    for (ZoneData::NodeIndex i = 0; i < data_.nodes().size(); ++i) check_node(i);
    const auto place = [](const ZoneProblem& problem) {
      const RecordSource source = problem.source.value_or(RecordSource{});
      return std::tuple(problem.source.has_value(), source.file, source.line);
    };
    std::stable_sort(problems_.begin(), problems_.end(),
                     [&](const auto& a, const auto& b) { return place(a) < place(b); });
    return std::move(problems_);
  }

 private:
  void add(std::optional<RecordSource> source, std::string message) {
    problems_.push_back({source, std::nullopt, std::move(message)});
  }

  /// What can be said of each record alone.
  void check_records() {
    if (!spec_.file) return;
    for (const MasterFileRecord& record : spec_.file->records) {
      const RecordSource source{record.file, record.line};
      if (!record.owner.is_at_or_below(spec_.apex)) {
        add(source, fmt::format("{} lies outside the zone {}; remove it, or end the name without a "
                                "dot to place it inside",
                                record.owner.to_string(), spec_.apex.to_string()));
      } else if (record.type == dns::type::kSoa && !(record.owner == spec_.apex)) {
        add(source,
            fmt::format("an SOA belongs at the apex {} only; remove it", spec_.apex.to_string()));
      }
    }
  }

  /// The file may repeat the name servers of the configuration, but not contradict them.
  void check_apex() {
    const NodeData& apex = data_.nodes().front();
    if (const RRsetData* soa = apex.find(dns::type::kSoa); soa->rdata.size() > 1) {
      add(soa->source, "more than one SOA; keep one");
    }
    const RRsetData& ns = *apex.find(dns::type::kNs);
    for (const auto& rdata : ns.rdata) {
      const dns::Name server = name_in(rdata);
      const bool configured =
          std::any_of(spec_.nameservers.begin(), spec_.nameservers.end(),
                      [&](const NameServerSpec& spec) { return spec.name == server; });
      if (!configured) {
        add(ns.source, fmt::format("{} is not among the zone's nameservers in the configuration; "
                                   "add it there, or remove it here",
                                   server.to_string()));
      }
    }
  }

  void check_node(ZoneData::NodeIndex index) {
    const NodeData& node = data_.nodes()[index];
    check_profile(node);
    if (const auto cut = data_.cut_of(node.owner); cut && *cut != index) {
      return check_below_cut(node, data_.nodes()[*cut]);
    }
    if (node.find(dns::type::kCname)) check_cname(index);
    if (node.find(dns::type::kDname)) check_dname(index);
    if (data_.is_cut(index)) check_delegation(node);
    if (node.find(dns::type::kDs) && !data_.is_cut(index)) {
      add(node.find(dns::type::kDs)->source,
          fmt::format("DS at {} without a delegation; add its NS records, or remove it",
                      node.owner.to_string()));
    }
    check_below_dname(node);
  }

  void check_profile(const NodeData& node) {
    if (!node.profile) return;
    for (const auto& [type, text] : kProfileTypes) {
      if (const RRsetData* rrset = node.find(type)) {
        problems_.push_back({rrset->source, node.profile->id,
                             fmt::format("{} is answered by a profile and has {} here; remove one",
                                         node.owner.to_string(), text)});
      }
    }
    if (const auto cut = data_.cut_of(node.owner)) {
      const NodeData& above = data_.nodes()[*cut];
      problems_.push_back({above.source(), node.profile->id,
                           fmt::format("the delegation of {} hides the profile name {}; remove one",
                                       above.owner.to_string(), node.owner.to_string())});
    }
  }

  /// RFC 1034 §4.2.1: below a cut stand only the addresses of its name servers.
  void check_below_cut(const NodeData& node, const NodeData& cut) {
    for (const auto& [type, rrset] : node.rrsets) {
      if (type == dns::type::kA || type == dns::type::kAaaa) continue;
      add(rrset.source, fmt::format("{} is hidden by the delegation of {}; move it to that zone",
                                    node.owner.to_string(), cut.owner.to_string()));
    }
  }

  /// RFC 1034 §3.6.2, RFC 2181 §10.1.
  void check_cname(ZoneData::NodeIndex index) {
    const NodeData& node = data_.nodes()[index];
    const RRsetData& cname = *node.find(dns::type::kCname);
    if (node.rrsets.size() > 1) {
      add(cname.source, fmt::format("CNAME at {} beside other records; a CNAME must stand alone",
                                    node.owner.to_string()));
    }
    if (cname.rdata.size() > 1) {
      add(cname.source, fmt::format("more than one CNAME at {}; keep one", node.owner.to_string()));
    }
    if (leads_back(index, name_in(cname.rdata.front()))) {
      add(cname.source, fmt::format("the CNAME at {} leads back to itself; break the circle",
                                    node.owner.to_string()));
    }
  }

  bool leads_back(ZoneData::NodeIndex start, dns::Name at) const {
    for (std::size_t step = 0; step < kLongestChain; ++step) {
      const ZoneData::Lookup found = data_.lookup(at);
      if (found.kind != Kind::kExact && found.kind != Kind::kWildcard) return false;
      if (found.node == start) return true;
      const RRsetData* next = data_.nodes()[found.node].find(dns::type::kCname);
      if (next == nullptr) return false;
      at = name_in(next->rdata.front());
    }
    return false;
  }

  /// RFC 6672 §2.4.
  void check_dname(ZoneData::NodeIndex index) {
    const NodeData& node = data_.nodes()[index];
    const RRsetData& dname = *node.find(dns::type::kDname);
    if (dname.rdata.size() > 1) {
      add(dname.source, fmt::format("more than one DNAME at {}; keep one", node.owner.to_string()));
    }
    if (node.owner.is_wildcard()) {
      add(dname.source, "a DNAME at a wildcard has no defined meaning; remove it");
    }
  }

  void check_below_dname(const NodeData& node) {
    for (dns::Name at = node.owner; at.length() > spec_.apex.length();) {
      at = at.parent();
      const auto above = data_.find(at);
      if (!above || !data_.nodes()[*above].find(dns::type::kDname)) continue;
      const std::string message = fmt::format("{} is hidden by the DNAME at {}; remove one",
                                              node.owner.to_string(), at.to_string());
      if (const auto source = node.source()) return add(source, message);
      if (node.profile) {
        problems_.push_back({data_.nodes()[*above].source(), node.profile->id, message});
      }
      return;
    }
  }

  /// A resolver that is sent to name servers inside the delegated zone needs their addresses.
  void check_delegation(const NodeData& cut) {
    const RRsetData& ns = *cut.find(dns::type::kNs);
    if (cut.owner.is_wildcard()) {
      add(ns.source, "a delegation at a wildcard has no defined meaning; remove it");
    }
    for (const auto& rdata : ns.rdata) {
      const dns::Name server = name_in(rdata);
      if (!server.is_at_or_below(cut.owner)) continue;
      const auto node = data_.find(server);
      const bool has_address = node && (data_.nodes()[*node].find(dns::type::kA) ||
                                        data_.nodes()[*node].find(dns::type::kAaaa));
      if (!has_address) {
        add(ns.source, fmt::format("{} is delegated to {}, which has no address here; add its A or "
                                   "AAAA record as glue",
                                   cut.owner.to_string(), server.to_string()));
      }
    }
    for (const auto& [type, rrset] : cut.rrsets) {
      const bool belongs = type == dns::type::kNs || type == dns::type::kDs ||
                           type == dns::type::kA || type == dns::type::kAaaa;
      if (!belongs) {
        add(rrset.source, fmt::format("{} is delegated, and only NS, DS and glue may stand here; "
                                      "move the record to that zone",
                                      cut.owner.to_string()));
      }
    }
  }

  const ZoneSpec& spec_;
  ZoneData data_;
  std::vector<ZoneProblem> problems_;
};

}  // namespace

std::vector<ZoneProblem> check_zone(const ZoneSpec& spec, std::span<const ProfileName> profiles) {
  return ZoneCheck(spec, profiles).run();
}

}  // namespace gslb::zones
