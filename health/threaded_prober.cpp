#include "health/threaded_prober.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
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

/// A probe as its owner sees it; used on the owner's thread alone.
struct Ticket {
  Prober::Callback callback;  ///< Empty once called or cancelled.
};

}  // namespace

/// The thread, and what it shares with its owner, who may be gone before it ends: the thread holds
/// it too.
class ThreadedProber::Worker : public std::enable_shared_from_this<Worker> {
 public:
  explicit Worker(asio::io_context& owner) : owner_(&owner) {}

  void start(const Make& make) {
    std::packaged_task<void()> task([self = shared_from_this(), make] { self->run(make); });
    ended_ = task.get_future();
    thread_ = std::thread(std::move(task));
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
    if (!hangs && ended_.wait_for(kPatience) == std::future_status::ready) {
      thread_.join();
    } else {
      thread_.detach();
    }
  }

  // From the owner's thread.

  void post(std::function<void()> work) { asio::post(io_, std::move(work)); }

  void begin(const std::shared_ptr<Ticket>& ticket, std::shared_ptr<const MonitorSpec> monitor,
             const base::IpAddress& address) {
    post([this, ticket, monitor = std::move(monitor), address] {
      auto probe = prober_->start(monitor, address, [this, ticket](const ProbeResult& result) {
        // Kept to the end: the callback that is running belongs to it.
        const auto own = probes_.extract(ticket.get());
        post_to_owner([ticket, result] {
          if (const auto callback = std::exchange(ticket->callback, nullptr)) callback(result);
        });
      });
      probes_.emplace(ticket.get(), std::move(probe));
    });
  }

  void cancel(const std::shared_ptr<Ticket>& ticket) {
    ticket->callback = nullptr;
    post([this, ticket] { probes_.erase(ticket.get()); });
  }

  // From its own thread.

  void post_to_owner(std::function<void()> work) {
    const std::lock_guard lock(mutex_);
    if (owner_ != nullptr) asio::post(*owner_, std::move(work));
  }

 private:
  void run(const Make& make) {
    const auto guard = asio::make_work_guard(io_);
    prober_ = make(io_);
    io_.run();
    probes_.clear();
    prober_.reset();
  }

  asio::io_context io_{1};
  std::unique_ptr<Prober> prober_;
  std::unordered_map<Ticket*, std::unique_ptr<Pending>> probes_;
  std::thread thread_;
  std::future<void> ended_;
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
