#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace gslb::health {

/// The value of a metric in what a site tells of itself.
///
/// `metric` is a JSON pointer (RFC 6901) where it begins with '/', such as "/sessions/active", and
/// `text` JSON then. Otherwise `text` is in the text format of Prometheus
/// (https://prometheus.io/docs/instrumenting/exposition_formats/), and `metric` a name, perhaps
/// with labels that a series must have: `sessions{port="sstp"}`. Of several series it is the sum.
///
/// The error says in one line what is not as it should be. Any bytes may come in.
tl::expected<double, std::string> read_metric(std::string_view text, std::string_view metric);

/// Empty for a metric that can be asked for; otherwise what is wrong with it.
std::string find_metric_problem(std::string_view metric);

}  // namespace gslb::health
