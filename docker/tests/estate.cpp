#include "docker/tests/estate.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <thread>

namespace gslb::docker {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr const char* kProject = "gslbd-test";
constexpr std::array kSites{"london", "newyork", "singapore"};
constexpr std::array kClients{"client-london", "client-newyork", "client-singapore"};
constexpr std::array kNameServers{"ns1", "ns2"};
const std::vector<std::string> kEndpoints{"gslbctl", "endpoints", "--json"};
constexpr milliseconds kPollPause{100};
constexpr const char* kWatchSeconds = "60";

std::unique_ptr<Estate>& instance() {
  static std::unique_ptr<Estate> estate;
  return estate;
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// "docker compose" or "docker-compose", as ./dev has found it.
std::vector<std::string> compose_command() {
  const char* command = std::getenv("GSLB_COMPOSE");
  return words(command != nullptr ? command : "docker compose");
}

std::vector<std::string> watch_command(const std::string& client,
                                       std::vector<std::string> command) {
  command.insert(command.begin() + 1, kWatchSeconds);
  std::vector<std::string> all{"docker", "exec", Estate::get().id(client), "/lab/play"};
  all.insert(all.end(), command.begin(), command.end());
  return all;
}

/// "401 198.18.1.10" of watch-sstp is that site, whatever else it answers is none.
std::string site_of(const std::string& said) {
  const auto parts = words(said);
  if (parts.size() == 2 && parts[0] == "401") return parts[1];
  return parts.size() == 1 ? parts[0] : "";
}

/// The endpoints that gslbctl tells in JSON, by name; none where it does not.
std::map<std::string, json::object> endpoints_of(const std::string& text) {
  std::map<std::string, json::object> endpoints;
  boost::system::error_code error;
  const json::value reply = json::parse(text, error);
  if (error || !reply.is_object()) return endpoints;
  for (const json::value& item : reply.at("endpoints").as_array()) {
    endpoints.emplace(item.at("endpoint").as_string(), item.as_object());
  }
  return endpoints;
}

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

}  // namespace

Watch::Watch(const std::string& client, std::vector<std::string> command)
    : process_(watch_command(client, std::move(command))) {}

std::vector<Sighting> Watch::sightings() const {
  std::vector<Sighting> sightings;
  std::istringstream lines(process_.output());
  // The last line may not have come as a whole.
  for (std::string line; std::getline(lines, line) && !lines.eof();) {
    std::size_t end = 0;
    if (line.empty() || line.find_first_not_of("0123456789") == 0) continue;
    const milliseconds time(std::stoll(line, &end));
    const std::string said = line.size() > end ? line.substr(end + 1) : "";
    sightings.push_back({time, said.starts_with('-') ? "" : site_of(said)});
  }
  return sightings;
}

bool Watch::wait_for(const std::string& site) const {
  return wait_until([&] {
    return std::ranges::any_of(sightings(), [&](const Sighting& one) { return one.site == site; });
  });
}

Continuity continuity_of(const std::vector<Sighting>& sightings) {
  Continuity found;
  const Sighting* last = nullptr;
  for (const Sighting& sighting : sightings) {
    if (sighting.site.empty()) {
      ++found.unanswered;
      continue;
    }
    if (last != nullptr) {
      found.longest_gap = std::max(found.longest_gap, sighting.time - last->time);
    }
    last = &sighting;
  }
  return found;
}

std::optional<Outage> find_outage(const std::vector<Sighting>& sightings) {
  const Sighting* last = nullptr;
  for (const Sighting& sighting : sightings) {
    if (sighting.site.empty()) continue;
    if (last != nullptr && last->site != sighting.site) {
      return Outage{last->site, sighting.site, sighting.time - last->time};
    }
    last = &sighting;
  }
  return std::nullopt;
}

bool wait_until(const std::function<bool()>& condition, std::chrono::seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(kPollPause);
  }
  return true;
}

Estate& Estate::get() { return *instance(); }

Estate::Estate() {
  // The user that gslbd runs as must be able to read it.
  std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
  copy_config();
}

Estate::~Estate() { compose({"down", "-v", "-t", "1"}); }

void Estate::copy_config() const {
  set_config(read_file(std::filesystem::path(GSLB_DOCKER_DIR) / "estate/gslbd.toml"));
}

std::string Estate::docker(const std::vector<std::string>& arguments) const {
  std::vector<std::string> command{"docker"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto done = support::run(command);
  EXPECT_EQ(done.status, 0) << testing::PrintToString(command) << "\n" << done.output;
  return done.output;
}

std::string Estate::compose(const std::vector<std::string>& arguments,
                            const std::vector<std::string>& variables) const {
  std::vector<std::string> command{"env", "GSLBD_CONFIG=" + folder_.path().string()};
  command.insert(command.end(), variables.begin(), variables.end());
  for (const std::string& word : compose_command()) command.push_back(word);
  command.insert(command.end(),
                 {"-p", kProject, "-f", std::string(GSLB_DOCKER_DIR) + "/compose.yml"});
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto done = support::run(command);
  EXPECT_EQ(done.status, 0) << testing::PrintToString(command) << "\n" << done.output;
  return done.output;
}

std::string Estate::id(const std::string& service) const {
  const auto ids = words(docker({"ps", "-a", "-q", "--filter",
                                 std::string("label=com.docker.compose.project=") + kProject,
                                 "--filter", "label=com.docker.compose.service=" + service}));
  if (ids.size() != 1) ADD_FAILURE() << ids.size() << " containers of " << service;
  return ids.empty() ? "" : ids.front();
}

support::Finished Estate::exec(const std::string& service, std::vector<std::string> command) const {
  command.insert(command.begin(), {"docker", "exec", id(service)});
  return support::run(command);
}

std::string Estate::run(const std::string& service, const std::vector<std::string>& command) const {
  const auto done = exec(service, command);
  EXPECT_EQ(done.status, 0) << service << ": " << testing::PrintToString(command) << "\n"
                            << done.output;
  return done.output;
}

std::vector<std::string> Estate::dig(const std::string& client, const std::string& name,
                                     const std::string& server) const {
  auto lines =
      words(exec(client, {"dig", "+short", "+time=2", "+tries=2", "@" + server, name}).output);
  std::sort(lines.begin(), lines.end());
  return lines;
}

std::string Estate::status(const std::string& ns, const std::string& endpoint) const {
  return text_of(endpoints_of(exec(ns, kEndpoints).output)[endpoint], "status");
}

std::string Estate::reason(const std::string& ns, const std::string& endpoint) const {
  return text_of(endpoints_of(exec(ns, kEndpoints).output)[endpoint], "reason");
}

bool Estate::wait_for_status(const std::string& ns, const std::string& endpoint,
                             const std::string& status) const {
  return wait_until([&] { return this->status(ns, endpoint) == status; });
}

void Estate::add_fault(const std::string& site, const std::string& rule) const {
  run(site, {"nft", "add rule ip lab faults " + rule});
}

void Estate::clear_faults(const std::string& site) const {
  run(site, {"nft", "flush chain ip lab faults"});
}

void Estate::show_certificate(const std::string& site, const std::string& name) const {
  const std::string file = "/estate/" + name;
  run(site + "-sstp",
      {"sh", "-c",
       "cmp -s " + file + ".pem /tmp/site.pem || { cp " + file + ".pem /tmp/site.pem; cp " + file +
           ".key /tmp/site.key; nginx -c /lab/sstp.conf -e stderr -s reload; }"});
}

std::string Estate::config() const { return read_file(folder_.path() / "gslbd.toml"); }

void Estate::set_config(const std::string& text) const {
  support::replace_file(folder_.path() / "gslbd.toml", text);
}

void Estate::heal() const {
  copy_config();
  // What was killed, stopped or paused.
  const auto of_project = [&](const char* status) {
    return words(docker({"ps", "-a", "-q", "--filter",
                         std::string("label=com.docker.compose.project=") + kProject, "--filter",
                         std::string("status=") + status}));
  };
  for (const std::string& container : of_project("paused")) docker({"unpause", container});
  for (const std::string& container : of_project("exited")) {
    if (container != id("setup")) docker({"start", container});
  }
  for (const char* site : kSites) {
    clear_faults(site);
    run(std::string(site) + "-sstp", {"rm", "-f", "/tmp/unregistered"});
    show_certificate(site, "vpn");
  }
  for (const char* client : kClients) {
    exec(client, {"sh", "-c", "pkill -f '[p]lay watch'; swanctl --terminate --ike vpn --force"});
  }
  for (const char* ns : kNameServers) {
    std::string output;
    EXPECT_TRUE(wait_until([&] {
      output = exec(ns, kEndpoints).output;
      const auto endpoints = endpoints_of(output);
      return !endpoints.empty() && std::all_of(endpoints.begin(), endpoints.end(), [](auto& one) {
        return text_of(one.second, "status") == "Online";
      });
    })) << ns
        << ": " << output;
  }
  run("resolver", {"unbound-control", "-c", "/lab/unbound.conf", "reload"});
  EXPECT_TRUE(wait_until([&] { return !dig("client-london", kVpn).empty(); }));
}

namespace {

/// Starts the estate before the first scenario, which does not begin where that fails.
class EstateEnvironment : public testing::Environment {
 public:
  void SetUp() override {
    const auto start = std::chrono::steady_clock::now();
    instance() = std::make_unique<Estate>();
    instance()->compose({"down", "-v", "-t", "1"});  // What a run that was cut short has left.
    instance()->compose({"up", "-d", "--no-build"});
    ASSERT_FALSE(testing::Test::HasFailure());
    instance()->heal();
    ASSERT_FALSE(testing::Test::HasFailure());
    measured("estate up and healthy (ms)",
             std::to_string(
                 std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - start)
                     .count()));
  }
  void TearDown() override { instance().reset(); }
};

[[maybe_unused]] const testing::Environment* const kEnvironment =
    testing::AddGlobalTestEnvironment(new EstateEnvironment);

}  // namespace

void measured(const std::string& what, const std::string& value) {
  std::cout << "[ MEASURED ] " << what << ": " << value << std::endl;
}

void Scenario::SetUp() { estate_.heal(); }

void Scenario::TearDown() {
  if (!HasFailure()) return;
  for (const char* ns : kNameServers) {
    std::cout << ns << ":\n" << estate_.docker({"logs", "--tail", "60", estate_.id(ns)}) << "\n";
  }
}

}  // namespace gslb::docker
