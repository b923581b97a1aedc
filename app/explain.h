#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "app/config.h"
#include "app/control_plane.h"
#include "routing/explain.h"

namespace gslb::app {

/// What `explain` is asked: a name, as whom, and for which type.
struct ExplainQuestion {
  dns::Name name;
  base::IpAddress client;
  routing::Family family = routing::Family::kIpv4;
};

/// From the words of a command line or a URL. `client` is an address, or a network that stands for
/// its first one; `type` is "A" or "AAAA". The error says what is wrong and what to do.
tl::expected<ExplainQuestion, std::string> parse_explain_question(std::string_view name,
                                                                  std::string_view client,
                                                                  std::string_view type);

struct ExplainAnswer {
  ExplainQuestion question;
  std::string profile;
  routing::Explanation explanation;
  std::string note;  ///< What the explanation supposes, or that statuses are stale; may be empty.
};

/// The profile that answers a name, at the name itself or behind its CNAMEs. The error says that
/// there is none.
tl::expected<routing::ProfileId, std::string> find_profile(const Config& config,
                                                           const ZoneList& zones,
                                                           const dns::Name& name);

/// What is answered now.
tl::expected<ExplainAnswer, std::string> explain(const ControlPlane& control,
                                                 const ExplainQuestion& question);

/// What a configuration would answer while every site is healthy.
tl::expected<ExplainAnswer, std::string> explain_offline(const Config& config,
                                                         const ExplainQuestion& question);

/// For people, in lines.
std::string to_text(const ExplainAnswer& answer);
/// As JSON; see docs/reference/api.md.
std::string to_json(const ExplainAnswer& answer);

}  // namespace gslb::app
