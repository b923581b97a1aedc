#include "health/threaded_prober.h"

#include <fmt/format.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>

namespace gslb::health {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds kBeat{1};
/// Until a thread that does not end is left to itself.
constexpr std::chrono::seconds kPatience{2};

/// Between looks at whether the thread stood still.
constexpr std::chrono::milliseconds kWatchPace{100};
/// The share of a timeout that the thread may have stood still within it.
constexpr int kTolerableShare = 4;

/// A probe as its owner sees it; used on the owner's thread alone, but for what says otherwise.
struct Ticket {
  Prober::Callback callback;  ///< Empty once called or cancelled.
  bool is_cancelled = false;  ///< The prober's thread knows it; used there alone.
};

}  // namespace

/// The thread, and what it shares with its owner, who may be gone before it ends: the thread holds
/// it too.
class ThreadedProber::Worker : public std::enable_shared_from_this<Worker> {
 public:
  explicit Worker(asio::io_context& owner) : owner_(&owner) {}

  void start(const Make& make) {
    thread_ = std::thread([self = shared_from_this(), make] {
      self->run(make);
      self->ended_.set_value();
    });
  }

  /// Nothing is posted to the owner any more once this has returned. Waits for the thread, unless
  /// it hangs.
  void stop(bool hangs) {
    {
      const std::lock_guard lock(mutex_);
      owner_ = nullptr;
    }
    io_.stop();
    // Joined wherever possible: what a library does at the end of a thread must not come after what
    // it does at the end of the process.
    if (!hangs && end_.wait_for(kPatience) == std::future_status::ready) {
      thread_.join();
    } else {
      thread_.detach();
    }
  }

  // From the owner's thread.

  void post(std::function<void()> work) { asio::post(io_, std::move(work)); }

  void begin(const std::shared_ptr<Ticket>& ticket, std::shared_ptr<const MonitorSpec> monitor,
             const base::IpAddress& address) {
    Job job{ticket, std::move(monitor), address, Time::clock::now()};
    post([this, job = std::move(job)] {
      jobs_.push_back(job);
      if (!std::exchange(is_starting_, true)) asio::post(io_, [this] { start_next(); });
    });
  }

  void cancel(const std::shared_ptr<Ticket>& ticket) {
    ticket->callback = nullptr;
    post([this, ticket] {
      ticket->is_cancelled = true;
      probes_.erase(ticket.get());
    });
  }

  // From its own thread.

  void post_to_owner(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (owner_ != nullptr) asio::post(*owner_, std::move(work));
  }

 private:
  using Time = std::chrono::steady_clock::time_point;

  struct Job {
    std::shared_ptr<Ticket> ticket;
    std::shared_ptr<const MonitorSpec> monitor;
    base::IpAddress address;
    Time since;
  };

  void run(const Make& make) {
    const auto guard = asio::make_work_guard(io_);
    prober_ = make(io_);
    watch();
    io_.run();
    jobs_.clear();
    probes_.clear();
    prober_.reset();
  }

  /// One probe, and the next one behind everything that is ready by then.
  void start_next() {
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    if (!job.ticket->is_cancelled) start(job);
    is_starting_ = !jobs_.empty();
    if (is_starting_) asio::post(io_, [this] { start_next(); });
  }

  void start(const Job& job) {
    const Time started = Time::clock::now();
    const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(started - job.since);
    auto probe =
        prober_->start(job.monitor, job.address,
                       [this, ticket = job.ticket, waited, started,
                        timeout = job.monitor->timeout](const ProbeResult& found) {
                         // Kept to the end: the callback that is running belongs to it.
                         const auto own = probes_.extract(ticket.get());
                         ProbeResult result = found;
                         result.waited = waited;
                         blame_stall(result, started, timeout);
                         post_to_owner([ticket, result = std::move(result)] {
                           if (const auto callback = std::exchange(ticket->callback, nullptr))
                             callback(result);
                         });
                       });
    probes_.emplace(job.ticket.get(), std::move(probe));
  }

  /// A site that had no chance to answer in time has not failed.
  void blame_stall(ProbeResult& result, Time started, std::chrono::milliseconds timeout) {
    const bool has_run_out = result.outcome == Outcome::kFailure && result.elapsed >= timeout;
    if (!has_run_out) return;
    note_stall(Time::clock::now());
    if (stalled_at_ < started || stall_ * kTolerableShare < timeout) return;
    result.outcome = Outcome::kLocalFault;
    result.detail = fmt::format("this host is too busy, probing stood still for {} ms",
                                std::chrono::floor<std::chrono::milliseconds>(stall_).count());
  }

  void watch() {
    watched_at_ = Time::clock::now();
    watch_.expires_after(kWatchPace);
    watch_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      note_stall(Time::clock::now());
      watch();
    });
  }

  /// How much later than it should be the timer is. The longest of late counts.
  void note_stall(Time now) {
    const auto late = now - watched_at_ - kWatchPace;
    const bool is_old = now - stalled_at_ > std::chrono::seconds(60);
    if (late <= kWatchPace || (late < stall_ && !is_old)) return;
    stall_ = late;
    stalled_at_ = now;
  }

  asio::io_context io_{1};
  std::unique_ptr<Prober> prober_;
  std::deque<Job> jobs_;
  bool is_starting_ = false;
  std::unordered_map<Ticket*, std::unique_ptr<Pending>> probes_;
  asio::steady_timer watch_{io_};
  Time watched_at_{};
  Time stalled_at_{};
  Time::duration stall_{0};
  std::thread thread_;
  std::promise<void> ended_;
  std::future<void> end_ = ended_.get_future();
  std::mutex mutex_;
  asio::io_context* owner_;  ///< Null: the owner is gone. Guarded by mutex_.
};

namespace {

template <typename Worker>
class PendingTicket final : public Pending {
 public:
  PendingTicket(std::shared_ptr<Worker> worker, std::shared_ptr<Ticket> ticket)
      : worker_(std::move(worker)), ticket_(std::move(ticket)) {}
  ~PendingTicket() override {
    if (ticket_->callback) worker_->cancel(ticket_);
  }

 private:
  std::shared_ptr<Worker> worker_;
  std::shared_ptr<Ticket> ticket_;
};

}  // namespace

ThreadedProber::ThreadedProber(asio::io_context& io, Clock& clock, Make make,
                               std::function<void()> on_hang)
    : io_(io),
      clock_(clock),
      make_(std::move(make)),
      on_hang_(std::move(on_hang)),
      worker_(std::make_shared<Worker>(io)) {
  worker_->start(make_);
  beat();
}

ThreadedProber::~ThreadedProber() { stop(); }

void ThreadedProber::stop() {
  timer_.reset();
  if (const auto worker = std::exchange(worker_, nullptr)) worker->stop(false);
}

std::unique_ptr<Pending> ThreadedProber::start(std::shared_ptr<const MonitorSpec> monitor,
                                               const base::IpAddress& address, Callback callback) {
  auto ticket = std::make_shared<Ticket>(Ticket{std::move(callback)});
  worker_->begin(ticket, std::move(monitor), address);
  return std::make_unique<PendingTicket<Worker>>(worker_, std::move(ticket));
}

/// Asks the thread for a sign of life each second, one at a time.
void ThreadedProber::beat() {
  const SteadyTime now = clock_.now();
  if (asked_ && now - *asked_ >= kHangsAfter) {
    worker_->stop(true);
    worker_ = std::make_shared<Worker>(io_);
    worker_->start(make_);
    asked_.reset();
    hung_at_ = clock_.wall_now();
    if (on_hang_) on_hang_();
  }
  if (!asked_) {
    asked_ = now;
    // Its owner is alive while the worker still posts to it.
    worker_->post([this, weak = std::weak_ptr(worker_)] {
      const auto worker = weak.lock();
      if (!worker) return;
      worker->post_to_owner([this, weak] {
        if (worker_ == weak.lock()) asked_.reset();
      });
    });
  }
  timer_ = clock_.call_at(now + kBeat, [this] { beat(); });
}

}  // namespace gslb::health
