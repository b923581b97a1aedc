// Asks gslbd, NSD and Knot DNS the same questions about the same zones, and compares the answers.
// usage: oracle_differential [--reference NAME] [--perturb] [QUERIES [SEED]]
// --reference  only that one, nsd or knot
// --perturb    breaks gslbd's answers in every way of perturbations.cpp before they are compared,
// and
//              counts how often that is found out
// Exits with 0 where every difference is one that explanations.cpp explains and every perturbation
// was found out, with 1 where not, and with 77 where a reference server is not installed.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string_view>

#include "tests/oracle/explanations.h"
#include "tests/oracle/perturbations.h"
#include "tests/oracle/question.h"
#include "tests/oracle/reply.h"
#include "tests/oracle/servers.h"
#include "tests/support/dns_client.h"

namespace gslb::oracle {
namespace {

constexpr int kQueries = 40'000;
constexpr unsigned kSeed = 3;
/// Differences that are printed in full; all are counted.
constexpr int kMostShown = 20;
constexpr std::chrono::seconds kPatience{5};
constexpr int kSkipped = 77;

struct Reference {
  const char* option;
  const char* binary;
  Server (*start)(const ServedZone&);
};
constexpr Reference kReferences[] = {{"nsd", "/usr/sbin/nsd", start_nsd},
                                     {"knot", "/usr/sbin/knotd", start_knot}};

/// A zone, whose file all servers load, and its part of the questions.
struct Subject {
  const char* apex;
  const char* nameservers;  ///< For gslbd, as in TOML.
  int percent;
};
constexpr Subject kSubjects[] = {
    {"oracle.test",
     R"({ "ns1.oracle.test" = ["192.0.2.53", "2001:db8::53"], )"
     R"("ns2.deep.names.oracle.test" = ["198.51.100.53"], "ns.outside.example" = [] })",
     80},
    {"wild.test", R"({ "ns1.wild.test" = ["192.0.2.53"], "ns.outside.example" = [] })", 15},
    {"dname.test", R"({ "ns.outside.example" = [] })", 5},
};

struct Options {
  int queries = kQueries;
  unsigned seed = kSeed;
  bool perturb = false;
  std::vector<Reference> references{std::begin(kReferences), std::end(kReferences)};
};

/// A server that is asked, and what it answered to the question at hand and its variations.
class Peer {
 public:
  explicit Peer(Server server) : server_(std::move(server)), udp_(server_.address()) {}

  const std::string& name() const { return server_.name(); }

  void forget() { answers_.clear(); }

  Reply ask(const Question& question) {
    const Bytes message = question.message();
    const auto [answer, is_new] = answers_.try_emplace({question.over_tcp, message});
    if (is_new) {
      const auto bytes = exchange(message, question.over_tcp);
      answer->second =
          bytes ? parse_reply(*bytes).value_or(nothing("is unreadable")) : nothing("does not come");
    }
    return answer->second;
  }

 private:
  std::optional<Bytes> exchange(const Bytes& message, bool over_tcp) {
    if (over_tcp) {
      support::TcpClient client(server_.address());
      client.send(message);
      return client.receive(kPatience);
    }
    auto bytes = udp_.ask(message, kPatience);
    // Whatever comes late belongs to an earlier question.
    while (bytes && !std::equal(message.begin(), message.begin() + 2, bytes->begin())) {
      bytes = udp_.receive(kPatience);
    }
    return bytes;
  }

  static Reply nothing(const char* what) {
    Reply reply;
    reply.body.rcode = what;
    return reply;
  }

  Server server_;
  support::UdpClient udp_;
  std::map<std::pair<bool, Bytes>, Reply> answers_;
};

/// What came of the comparisons with one reference.
struct Tally {
  int equal = 0, explained = 0, unexplained = 0;
  std::map<std::string, int> by_kind;
};

/// How often a perturbation changed an answer, and how often a reference showed it.
struct Detection {
  int tried = 0, found = 0;
};

struct Totals {
  int queries = 0, over_tcp = 0;
  std::map<std::string, int> rcodes;
  std::map<std::string, Tally> tallies;  ///< By reference.
  std::map<std::string, std::map<std::string, Detection>>
      detections;  ///< By perturbation, reference.
};

class Run {
 public:
  Run(const Subject& subject, const Options& options, Totals& totals)
      : options_(options), totals_(totals) {
    const ServedZone served{
        subject.apex, std::string(GSLB_SOURCE_DIR) + "/tests/oracle/" + subject.apex + ".zone",
        subject.nameservers};
    zone_ = read_zone_records(served.file, served.apex);
    maker_.emplace(read_zone_names(served.file, served.apex), options.seed);
    ours_ = std::make_unique<Peer>(start_gslbd(GSLBD_BINARY, served));
    for (const Reference& reference : options.references) {
      references_.push_back(std::make_unique<Peer>(reference.start(served)));
    }
  }

  void compare_next() {
    const Question question = maker_->make();
    ours_->forget();
    const Reply ours = ours_->ask(question);
    ++totals_.queries;
    if (question.over_tcp) ++totals_.over_tcp;
    ++totals_.rcodes[ours.body.rcode];
    for (const auto& reference : references_) {
      reference->forget();
      if (compare_with(*reference, question) && options_.perturb) perturb(*reference, question);
    }
  }

 private:
  /// False where a difference stays unexplained.
  bool compare_with(Peer& reference, const Question& question) {
    Tally& tally = totals_.tallies[reference.name()];
    const Ask ours = [&](const Question& asked) { return ours_->ask(asked); };
    const Ask theirs = [&](const Question& asked) { return reference.ask(asked); };
    const Verdict verdict = compare({question, reference.name(), zone_, ours, theirs});
    if (!verdict.is_right) {
      if (++tally.unexplained <= kMostShown) show(question, verdict, ours, reference);
      return false;
    }
    ++(verdict.kinds.empty() ? tally.equal : tally.explained);
    for (const char* kind : verdict.kinds) ++tally.by_kind[kind];
    return true;
  }

  void perturb(Peer& reference, const Question& question) {
    const Ask theirs = [&](const Question& asked) { return reference.ask(asked); };
    for (const Perturbation& perturbation : perturbations()) {
      bool changed = false;
      const Ask ours = [&](const Question& asked) {
        Reply reply = ours_->ask(asked);
        changed |= perturbation.apply(asked, reply);
        return reply;
      };
      const Verdict verdict = compare({question, reference.name(), zone_, ours, theirs});
      if (!changed) continue;
      Detection& detection = totals_.detections[perturbation.name][reference.name()];
      ++detection.tried;
      if (!verdict.is_right) {
        ++detection.found;
      } else if (perturbation.excuse == nullptr && detection.tried - detection.found <= 2) {
        std::printf("NOT FOUND OUT: %s: %s\n", perturbation.name, question.to_string().c_str());
        for (const char* kind : verdict.kinds) std::printf("  explained by %s\n", kind);
        show_replies(ours(question), reference.name(), theirs(question));
      }
    }
  }

  static void show(const Question& question, const Verdict& verdict, const Ask& ours,
                   Peer& reference) {
    std::printf("UNEXPLAINED: %s\n", question.to_string().c_str());
    if (verdict.broken_law != nullptr) std::printf("  broken: %s\n", verdict.broken_law);
    show_replies(ours(question), reference.name(), reference.ask(question));
  }

  static void show_replies(const Reply& ours, const std::string& name, const Reply& theirs) {
    std::printf("  gslbd:\n%s  %s:\n%s\n", ours.to_string().c_str(), name.c_str(),
                theirs.to_string().c_str());
  }

  const Options& options_;
  Totals& totals_;
  Section zone_;
  std::optional<QuestionMaker> maker_;
  std::unique_ptr<Peer> ours_;
  std::vector<std::unique_ptr<Peer>> references_;
};

/// True where nothing stays unexplained.
bool report_comparisons(const Totals& totals) {
  int unexplained = 0;
  std::printf("\n%-10s %8s %10s %12s\n", "reference", "equal", "explained", "unexplained");
  for (const auto& [name, tally] : totals.tallies) {
    std::printf("%-10s %8d %10d %12d\n", name.c_str(), tally.equal, tally.explained,
                tally.unexplained);
    unexplained += tally.unexplained;
  }
  std::printf("\nexplained by (an answer may need several):\n");
  for (const Explanation& explanation : explanations()) {
    std::printf("%-13s", explanation.kind);
    for (const auto& [name, tally] : totals.tallies) {
      const auto found = tally.by_kind.find(explanation.kind);
      std::printf("%s %5d  ", name.c_str(), found == tally.by_kind.end() ? 0 : found->second);
    }
    std::printf("%s\n", explanation.reason);
  }
  return unexplained == 0;
}

/// True where all perturbations were found out but those that have an excuse.
bool report_perturbations(const Totals& totals) {
  bool all = true;
  int tried = 0, found = 0;
  std::printf("\nperturbations found out:\n");
  for (const Perturbation& perturbation : perturbations()) {
    std::printf("%-36s", perturbation.name);
    const auto detections = totals.detections.find(perturbation.name);
    if (detections == totals.detections.end()) {
      std::printf("never applied: too few queries\n");
      continue;
    }
    for (const auto& [name, detection] : detections->second) {
      std::printf("%s %6d of %6d  ", name.c_str(), detection.found, detection.tried);
      if (perturbation.excuse != nullptr) continue;
      all &= detection.found == detection.tried;
      tried += detection.tried;
      found += detection.found;
    }
    std::printf("%s\n", perturbation.excuse != nullptr ? perturbation.excuse : "");
  }
  std::printf("without those that cannot be: %d of %d\n", found, tried);
  return all;
}

int run(const Options& options) {
  for (const Reference& reference : options.references) {
    if (std::filesystem::exists(reference.binary)) continue;
    std::printf("SKIPPED: %s is not installed; './dev test' and './dev oracle' install it\n",
                reference.binary);
    return kSkipped;
  }
  Totals totals;
  const auto start = std::chrono::steady_clock::now();
  for (const Subject& subject : kSubjects) {
    Run differential(subject, options, totals);
    for (int i = options.queries * subject.percent / 100; i > 0; --i) differential.compare_next();
  }
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  std::printf("gslbd's answers:");
  for (const auto& [rcode, count] : totals.rcodes) std::printf(" %s %d", rcode.c_str(), count);
  std::printf("\n%d queries (%d over TCP), seed %u, %.1f s\n", totals.queries, totals.over_tcp,
              options.seed, passed.count());
  bool is_right = report_comparisons(totals);
  if (options.perturb) is_right &= report_perturbations(totals);
  return is_right ? 0 : 1;
}

template <typename Number>
bool parse_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

/// Nothing where they make no sense.
std::optional<Options> parse_options(int argc, char** argv) {
  Options options;
  int numbers = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--perturb") {
      options.perturb = true;
    } else if (argument == "--reference" && i + 1 < argc) {
      const std::string_view name = argv[++i];
      std::erase_if(options.references, [&](const Reference& r) { return r.option != name; });
      if (options.references.empty()) return std::nullopt;
    } else {
      const bool is_right = numbers == 0   ? parse_number(argument, options.queries)
                            : numbers == 1 ? parse_number(argument, options.seed)
                                           : false;
      if (!is_right) return std::nullopt;
      ++numbers;
    }
  }
  return options;
}

}  // namespace
}  // namespace gslb::oracle

int main(int argc, char** argv) {
  const auto options = gslb::oracle::parse_options(argc, argv);
  if (!options) {
    std::fprintf(
        stderr, "usage: oracle_differential [--reference nsd|knot] [--perturb] [QUERIES [SEED]]\n");
    return 2;
  }
  try {
    return gslb::oracle::run(*options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "oracle_differential: %s\n", error.what());
    return 2;
  }
}
