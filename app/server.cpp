#include "app/server.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <csignal>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "app/admin_api.h"
#include "app/admin_server.h"
#include "app/client_policy.h"
#include "app/control_plane.h"
#include "app/event.h"
#include "app/file_watcher.h"
#include "app/health_api.h"
#include "app/health_memory.h"
#include "app/latency_service.h"
#include "app/notifier.h"
#include "app/probe_now.h"
#include "app/state_store.h"
#include "dns/listen.h"
#include "dns/tcp_server.h"
#include "dns/udp_worker.h"
#include "health/clock.h"
#include "health/fetcher.h"
#include "health/protocol_prober.h"
#include "health/resolver.h"
#include "health/threaded_prober.h"
#include "zones/signing_keys.h"

namespace gslb::app {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr const char* kOverridesFile = "overrides.json";
constexpr const char* kHealthFile = "health.json";
constexpr const char* kEventsFile = "events.jsonl";
/// How soon a status that has changed is saved, and what else is known of health.
constexpr std::chrono::milliseconds kSavingPace{500};
constexpr std::chrono::seconds kSavingPause{30};
/// How long /readyz tells of a thread that has been replaced.
constexpr std::chrono::minutes kHangIsNews{10};

void log_diagnostics(const Diagnostics& diagnostics) {
  for (const Diagnostic& diagnostic : diagnostics) {
    const bool error = diagnostic.severity == Diagnostic::Severity::kError;
    spdlog::log(error ? spdlog::level::err : spdlog::level::warn, "{}", diagnostic.to_string());
  }
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

/// Raises the limit of open files as far as the system allows, and leaves at least as many to
/// probes and sockets as it gives to TCP clients: strangers who hold connections must not make
/// sites look down.
dns::TcpLimits tcp_limits() {
  dns::TcpLimits limits;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return limits;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  ::getrlimit(RLIMIT_NOFILE, &files);
  const std::size_t share = std::max<std::size_t>(1, files.rlim_cur / 2);
  if (share < limits.connections) {
    spdlog::warn(
        "only {} files may be open, so {} TCP connections are taken instead of {}; raise "
        "LimitNOFILE or ulimit -n",
        files.rlim_cur, share, limits.connections);
    limits.connections = share;
  }
  return limits;
}

/// Everything that answers queries: the workers of all listen addresses, and TCP.
class DataPlane {
 public:
  /// Binds every address. Logs what fails; false then.
  bool open(const ServerSpec& server) {
    if (!open_all(server.listen, worker_count(server), sockets_)) return false;
    if (!open_all(server.tls.listen, 0, tls_sockets_)) return false;
    if (sockets_.empty()) spdlog::error("no address left to listen on");
    return !sockets_.empty();
  }

  void start(const zones::Published& published, const ServerSpec& server) {
    std::vector<dns::TcpListener> listeners;
    for (dns::ListenSockets& sockets : sockets_) {
      for (base::UniqueFd& socket : sockets.udp) {
        udp_.push_back(
            std::make_unique<dns::UdpWorker>(std::move(socket), published, random_seed(),
                                             dns::SipHashKey{random_seed(), random_seed()}));
      }
      listeners.push_back({std::move(sockets.tcp), false});
    }
    for (dns::ListenSockets& sockets : tls_sockets_) {
      listeners.push_back({std::move(sockets.tcp), true});
    }
    tcp_ = std::make_unique<dns::TcpServer>(std::move(listeners), published, tcp_limits(),
                                            random_seed());
    set_tls_credentials(server);
    for (const auto& worker : udp_) worker->start();
    tcp_->start();
    for (const dns::ListenSockets& sockets : sockets_) {
      spdlog::info("listening on {} (UDP and TCP, {} UDP workers)",
                   base::to_string(sockets.address), sockets.udp.size());
    }
    for (const dns::ListenSockets& sockets : tls_sockets_) {
      spdlog::info("listening on {} (TLS)", base::to_string(sockets.address));
    }
  }

  void set_tls_credentials(const ServerSpec& server) {
    tcp_->set_tls_credentials(server.tls.credentials);
  }

  void stop() {
    for (const auto& worker : udp_) worker->stop();
    tcp_->stop();
  }

  void log_totals() const {
    std::uint64_t queries = tcp_->counters().queries.value();
    std::uint64_t dropped = tcp_->counters().dropped.value();
    for (const auto& worker : udp_) {
      queries += worker->counters().queries.value();
      dropped += worker->counters().dropped.value();
    }
    spdlog::info("stopped after {} queries, {} of them dropped", queries, dropped);
  }

 private:
  /// An address of a family that the host does not have is passed over where another one is left:
  /// "[::]:53" is among the defaults.
  static bool open_all(const std::vector<base::SocketAddress>& addresses, unsigned workers,
                       std::vector<dns::ListenSockets>& into) {
    for (const base::SocketAddress& address : addresses) {
      auto sockets = dns::open_listen_sockets(address, workers);
      if (sockets) {
        into.push_back(std::move(*sockets));
      } else if (sockets.error().is_missing_family(address) && addresses.size() > 1) {
        spdlog::warn("{}; not listening there", sockets.error().text);
      } else {
        spdlog::error("{}", sockets.error().text);
        return false;
      }
    }
    return true;
  }

  std::vector<dns::ListenSockets> sockets_;
  std::vector<dns::ListenSockets> tls_sockets_;
  std::vector<std::unique_ptr<dns::UdpWorker>> udp_;
  std::unique_ptr<dns::TcpServer> tcp_;
};

class Server {
  using ReloadDone = std::function<void(const ConfigResult&)>;

 public:
  Server(std::filesystem::path file, const std::shared_ptr<const Config>& config)
      : file_(std::move(file)),
        clock_(io_),
        prober_(
            io_, clock_,
            [](asio::io_context& io) { return std::make_unique<health::ProtocolProber>(io); },
            [this] { on_prober_hang(); }),
        resolver_(io_),
        fetcher_(io_),
        config_(config),
        control_(clock_, random_, prober_, config, make_zones(*config, signing_time()),
                 {&resolver_, &fetcher_}),
        latency_(
            clock_, control_.latency_columns(),
            [this](auto work, auto done) { offload(std::move(work), std::move(done)); },
            [this](auto map) { control_.set_latency(std::move(map)); }),
        state_([this](auto work, auto done) {
          asio::post(state_pool_, [this, work = std::move(work), done = std::move(done)] {
            work();
            asio::post(io_, done);
          });
        }),
        notifier_(io_, clock_, fetcher_),
        probes_(prober_),
        renewal_(io_),
        hangup_(io_, SIGHUP),
        termination_(io_, SIGTERM, SIGINT) {}

  int run() {
    const ServerSpec& server = control_.config().server;
    spdlog::info("gslbd {} starting with {}", GSLB_VERSION, file_.string());
    if (!open_control_socket(server.control)) return 1;
    if (!open_http(server.http)) return 1;
    if (!data_.open(server)) return 1;
    latency_.start(control_.config());
    // Before the first answer, which must not send clients to a site that is known to be down.
    restore();
    control_.start();
    data_.start(control_.published(), server);
    is_ready_ = true;
    await_saving();
    watch(file_);
    watch_files();
    await_renewal();
    await_hangup();
    await_termination();
    spdlog::info("serving {} profiles with {} endpoints in {} zones",
                 control_.config().profiles.size(), control_.config().endpoints.size(),
                 control_.config().zones.size());
    io_.run();
    return 0;
  }

 private:
  zones::SigningTime signing_time() const {
    return {signatures_,
            std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now())};
  }

  AdminHandlers make_handlers() {
    AdminHandlers handlers;
    add_admin_api(
        handlers, control_, [this] { return is_ready_; }, [this] { return problems(); },
        [this](ReloadDone done) { reload("asked by the admin API", std::move(done)); });
    add_explain_api(handlers, control_);
    add_latency_api(handlers, latency_);
    add_health_api(handlers, control_, probes_);
    return handlers;
  }

  /// What does not work although queries are answered.
  std::vector<std::string> problems() const {
    std::vector<std::string> problems = control_.health().faults();
    if (prober_.hung_at() && *prober_.hung_at() + kHangIsNews > clock_.wall_now()) {
      problems.push_back("the thread that probes hung a short while ago, and was replaced");
    }
    if (const std::string text = resolver_.problem(); !text.empty()) problems.push_back(text);
    if (const auto& error = state_.last_error(); !error.empty()) {
      problems.push_back(state_.folder().string() + ": " + error);
    }
    if (control_.health().isolation().isolated_since()) {
      problems.push_back("isolated, so statuses are frozen: " +
                         control_.health().isolation().reason());
    }
    return problems;
  }

  void on_prober_hang() {
    spdlog::error("the thread that probes has not come back for {} s; another one takes its place",
                  health::ThreadedProber::kHangsAfter.count());
  }

  /// Takes over what an earlier run knew, before anything is probed.
  void restore() {
    adopt_state_settings(control_.config());
    Overrides overrides;
    std::vector<health::RememberedCheck> memory;
    if (const auto text = state_.load(kOverridesFile)) {
      auto parsed = parse_overrides(*text);
      if (parsed) {
        overrides = std::move(*parsed);
      } else {
        spdlog::error("{}: {}; overrides are lost", kOverridesFile, parsed.error());
      }
    }
    if (const auto text = state_.load(kHealthFile)) {
      auto parsed = parse_memory(*text);
      if (parsed) {
        memory = std::move(*parsed);
        spdlog::info("the last health of {} checks is known", memory.size());
      } else {
        spdlog::warn("{}: {}; all sites are probed from the start", kHealthFile, parsed.error());
      }
    }
    saved_overrides_ = overrides;
    control_.restore(std::move(overrides), std::move(memory));
    control_.set_event_sink([this](const Event& event) { on_event(event); });
    on_event({"start", {{"version", std::string(GSLB_VERSION)}}});
  }

  void adopt_state_settings(const Config& config) {
    state_.set_folder(config.server.state_dir);
    notifier_.set_targets(config.health.on_change, config.health.webhook);
  }

  void on_event(const Event& event) {
    const std::string line = to_json(event, clock_.wall_now());
    state_.append(kEventsFile, line);
    notifier_.notify(line);
    if (event.kind == "override") save_overrides();
    // A status that has changed is worth remembering soon, but not each of thousands by itself.
    if (event.kind == "endpoint") is_health_unsaved_ = true;
  }

  void save_overrides() {
    if (control_.overrides() == saved_overrides_) return;
    saved_overrides_ = control_.overrides();
    state_.save(kOverridesFile, overrides_to_json(saved_overrides_));
  }

  void save_health() {
    is_health_unsaved_ = false;
    last_save_ = clock_.now();
    if (!state_.folder().empty()) {
      state_.save(kHealthFile, memory_to_json(control_.health().memory()));
    }
  }

  void await_saving() {
    saving_.expires_after(kSavingPace);
    saving_.async_wait([this](error_code error) {
      if (error) return;
      if (is_health_unsaved_ || clock_.now() - last_save_ >= kSavingPause) save_health();
      await_saving();
    });
  }

  /// The daemon also runs without the socket where nobody asked for it: in a test, or beside
  /// another. False where it cannot be had although the file names it.
  bool open_control_socket(const ControlSpec& control) {
    if (control.path == control_path_) return true;
    if (control.is_default) {
      std::error_code ignored;  // The error of the socket says more.
      std::filesystem::create_directory(control.path.parent_path(), ignored);
    }
    const auto opened = admin_.open(control.path);
    if (opened) {
      control_path_ = control.path;
      spdlog::info("control socket: {}", control.path.string());
      return true;
    }
    spdlog::log(control.is_default ? spdlog::level::warn : spdlog::level::err,
                "server.control: {}: {}", control.path.string(), opened.error());
    return control.is_default;
  }

  /// False where it cannot be had; it goes on as it did then.
  bool open_http(const HttpSpec& http) {
    admin_.set_token(http.token);
    if (http.listen == http_address_) return true;
    if (!http.listen) {
      admin_.close_http();
      spdlog::info("the API over TCP is closed");
    } else {
      const auto opened = admin_.open(*http.listen);
      if (!opened) {
        spdlog::error("server.http: {}", opened.error());
        return false;
      }
      spdlog::info("API over TCP: {}", base::to_string(*opened));
    }
    http_address_ = http.listen;
    return true;
  }

  void await_hangup() {
    hangup_.async_wait([this](error_code error, int) {
      if (error) return;
      reload("SIGHUP");
      await_hangup();
    });
  }

  void await_termination() {
    termination_.async_wait([this](error_code error, int signal) {
      if (error) return;
      spdlog::info("{}, stopping", signal == SIGTERM ? "SIGTERM" : "SIGINT");
      stop();
    });
  }

  void watch(const std::filesystem::path& file) {
    if (watchers_.count(file) > 0) return;
    FileWatcher& watcher =
        watchers_
            .try_emplace(file, io_, file, [this, file] { reload(file.string() + " has changed"); })
            .first->second;
    if (const std::string error = watcher.start(); !error.empty()) {
      spdlog::warn("cannot watch {}, its changes need SIGHUP: {}", file.string(), error);
    }
  }

  /// Of the configuration that is running. A file that it no longer names is not worth a reload,
  /// but does no harm either.
  void watch_files() {
    for (const std::filesystem::path& file : control_.config().files) watch(file);
  }

  /// Looks for work by the clock of the wall, which may be set, as often as the shortest validity
  /// of signatures asks for.
  void await_renewal() {
    std::chrono::seconds pause{60};
    for (const zones::ZoneSpec& zone : config_->zones) {
      if (zone.signing) pause = std::min(pause, zone.signing->validity / 50);
    }
    renewal_.expires_after(std::max(pause, std::chrono::seconds{1}));
    renewal_.async_wait([this](error_code error) {
      if (error) return;
      renew_signatures();
      await_renewal();
    });
  }

  /// Makes the zones again, on the loader thread, where signatures are due or a key has come or
  /// gone by its times. A reload that is under way does so anyway.
  void renew_signatures() {
    const zones::SigningTime time = signing_time();
    if (loading_ || !(signatures_->is_due(time.now) || keys_changed(time.now))) return;
    if (!can_sign(time.now)) return;
    loading_ = true;
    asio::post(loader_, [this, time, config = config_] {
      asio::post(io_, [this, time, zones = make_zones(*config, time)] {
        control_.renew(zones);
        finish_signing(time);
        spdlog::info("signatures renewed");
        finish_loading();
      });
    });
  }

  /// Without keys the old signatures are better than none. Complains once until that changes.
  bool can_sign(std::chrono::sys_seconds now) {
    std::vector<std::string> problems;
    for (const zones::ZoneSpec& zone : config_->zones) {
      if (!zone.signing) continue;
      for (const std::string& problem : zones::find_key_problems(zone.signing->keys, now)) {
        problems.push_back(zone.apex.to_string() + ": " + problem);
      }
    }
    if (problems != key_problems_) {
      for (const std::string& problem : problems) {
        spdlog::error("signatures cannot be renewed: {}", problem);
      }
    }
    key_problems_ = std::move(problems);
    return key_problems_.empty();
  }

  bool keys_changed(std::chrono::sys_seconds now) const {
    for (const zones::ZoneSpec& zone : config_->zones) {
      if (!zone.signing) continue;
      const auto change = zones::next_key_change(zone.signing->keys, signed_at_);
      if (change && *change <= now) return true;
    }
    return false;
  }

  /// What is served has been signed at that time.
  void finish_signing(const zones::SigningTime& time) {
    signed_at_ = time.now;
    signatures_->drop_due(time.now);
  }

  void offload(std::function<void()> work, std::function<void()> done) {
    asio::post(latency_pool_, [this, work = std::move(work), done = std::move(done)] {
      work();
      asio::post(io_, done);
    });
  }

  void stop() {
    hangup_.cancel();
    renewal_.cancel();
    saving_.cancel();
    watchers_.clear();
    loader_.join();
    probes_.stop();
    control_.stop();
    prober_.stop();
    notifier_.stop();
    on_event({"stop", {}});
    save_health();
    state_pool_.join();
    state_.finish();
    data_.stop();
    data_.log_totals();
    latency_pool_.join();
    latency_.stop();
    io_.stop();
  }

  /// Reads the file on the loader thread, so that neither probes nor answers wait for it. `done`
  /// is called with what came of a file that was read after this call.
  void reload(const std::string& reason, ReloadDone done = {}) {
    if (done) waiting_.push_back(std::move(done));
    if (std::exchange(loading_, true)) {
      load_again_ = true;
      return;
    }
    std::swap(waiting_, served_);
    spdlog::info("reloading {}: {}", file_.string(), reason);
    asio::post(loader_, [this, time = signing_time()] {
      const ConfigResult result = load_config(file_);
      ZoneList zones = result.config ? make_zones(*result.config, time) : ZoneList{};
      asio::post(io_, [this, time, result, zones = std::move(zones)] {
        finish_reload(result, zones, time);
      });
    });
  }

  void finish_reload(const ConfigResult& result, const ZoneList& zones,
                     const zones::SigningTime& time) {
    log_diagnostics(result.diagnostics);
    if (result.config) {
      warn_of_restart(control_.config().server, result.config->server);
      config_ = result.config;
      control_.apply(result.config, zones);
      latency_.apply(*result.config);
      adopt_state_settings(*result.config);
      on_event({"reload", {}});
      finish_signing(time);
      data_.set_tls_credentials(result.config->server);
      watch_files();
      open_control_socket(result.config->server.control);
      open_http(result.config->server.http);
      spdlog::info("configuration applied");
    } else {
      spdlog::error("{} has errors; the running configuration stays", file_.string());
    }
    for (const ReloadDone& done : std::exchange(served_, {})) done(result);
    finish_loading();
  }

  void finish_loading() {
    loading_ = false;
    if (std::exchange(load_again_, false)) reload("changed again meanwhile");
  }

  /// Sockets are opened once: what they depend on cannot change while they are in use.
  static void warn_of_restart(const ServerSpec& running, const ServerSpec& wanted) {
    if (running.listen != wanted.listen) {
      spdlog::warn("server.listen has changed; it takes effect after a restart");
    }
    if (running.tls.listen != wanted.tls.listen) {
      spdlog::warn("server.tls_listen has changed; it takes effect after a restart");
    }
    if (running.workers != wanted.workers) {
      spdlog::warn("server.workers has changed; it takes effect after a restart");
    }
  }

  std::filesystem::path file_;
  std::shared_ptr<zones::SignatureCache> signatures_ = std::make_shared<zones::SignatureCache>();
  asio::io_context io_{1};
  asio::thread_pool loader_{1};
  asio::thread_pool latency_pool_{2};  ///< One to make maps while a disk hangs.
  health::AsioClock clock_;
  health::SeededRandom random_;
  health::ThreadedProber prober_;
  health::SystemResolver resolver_;
  health::HttpFetcher fetcher_;
  std::shared_ptr<const Config> config_;  ///< That is running.
  ControlPlane control_;
  LatencyService latency_;
  DataPlane data_;
  asio::thread_pool state_pool_{1};
  StateStore state_;
  Notifier notifier_;
  ProbesNow probes_;
  Overrides saved_overrides_;
  asio::steady_timer saving_{io_};
  bool is_health_unsaved_ = false;
  health::SteadyTime last_save_{};
  std::map<std::filesystem::path, FileWatcher> watchers_;
  asio::steady_timer renewal_;
  asio::signal_set hangup_;
  asio::signal_set termination_;
  std::chrono::sys_seconds signed_at_ = signing_time().now;
  std::vector<std::string> key_problems_;
  bool is_ready_ = false;
  bool loading_ = false;
  bool load_again_ = false;
  std::vector<ReloadDone> waiting_;                  ///< For the next load.
  std::vector<ReloadDone> served_;                   ///< For that under way.
  std::filesystem::path control_path_;               ///< Where it is open; empty: nowhere.
  std::optional<base::SocketAddress> http_address_;  ///< As it was asked for; none: closed.
  AdminServer admin_{io_, make_handlers()};
};

}  // namespace

int run_server(const std::filesystem::path& file, const std::shared_ptr<const Config>& config) {
  // A site that closes its connection during a probe is an error of that probe, not of the process.
  std::signal(SIGPIPE, SIG_IGN);
  return Server(file, config).run();
}

}  // namespace gslb::app
