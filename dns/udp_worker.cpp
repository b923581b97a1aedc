#include "dns/udp_worker.h"

#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "dns/sockaddr.h"
#include "dns/wire.h"

namespace gslb::dns {
namespace {

constexpr std::size_t kBatch = 32;
/// More than any query has; what is longer arrives cut, and is malformed.
constexpr std::size_t kQueryRoom = 2048;
/// How long an idle worker sleeps before it looks whether it shall stop.
constexpr timeval kReceiveTimeout{0, 100'000};
/// What a stopping worker still answers: a flood must not keep it from ending.
constexpr int kMaxDrainedBatches = 64;
/// An error that lasts must not occupy a core.
constexpr std::chrono::milliseconds kPauseAfterError{10};

/// The buffers of one batch, linked up once for recvmmsg and sendmmsg. The response goes out with
/// the address and the control data (packet info) that the query came in with.
class Batch {
 public:
  Batch() noexcept {
    for (std::size_t i = 0; i < kBatch; ++i) {
      receive_iov_[i] = {queries_[i].data(), kQueryRoom};
      receive_[i].msg_hdr = {};
      receive_[i].msg_hdr.msg_iov = &receive_iov_[i];
      receive_[i].msg_hdr.msg_iovlen = 1;
      receive_[i].msg_hdr.msg_name = &peers_[i];
      receive_[i].msg_hdr.msg_control = control_[i].data();
      rearm(i);
    }
  }

  /// Waits for queries up to the socket's timeout; the number that came, or -1 with errno.
  int receive(int socket, int flags) noexcept {
    for (std::size_t i = 0; i < dirty_; ++i) rearm(i);
    const int count = ::recvmmsg(socket, receive_.data(), kBatch, flags, nullptr);
    dirty_ = count > 0 ? static_cast<std::size_t>(count) : 0;
    return count;
  }

  /// Answers the first `count` queries into the send queue.
  void answer_all(std::size_t count, const zones::Snapshot& snapshot, Scratch& scratch) noexcept {
    to_send_ = 0;
    for (std::size_t i = 0; i < count; ++i) {
      // RFC 768: port 0 means that no reply is possible; the sender is forged.
      if (port_of(peers_[i]) == 0) {
        scratch.counters.queries.add();
        scratch.counters.dropped.add();
        continue;
      }
      const Client client{ip_of(peers_[i]), Transport::kUdp};
      const std::size_t size = answer(snapshot, client, {queries_[i].data(), receive_[i].msg_len},
                                      responses_[to_send_], scratch);
      if (size > 0) queue(i, size);
    }
  }

  /// Sends the queue without waiting: a full send buffer must not hold up the next queries.
  void send(int socket, Counters& counters) noexcept {
    std::size_t sent = 0;
    while (sent < to_send_) {
      const int count =
          ::sendmmsg(socket, &send_[sent], static_cast<unsigned>(to_send_ - sent), MSG_DONTWAIT);
      if (count > 0) {
        sent += static_cast<std::size_t>(count);
      } else if (errno != EINTR) {
        // The first of the rest could not be sent, which says nothing of the others.
        counters.send_failed.add();
        ++sent;
      }
    }
  }

 private:
  /// Undoes what a receive left in the header of message `i`.
  void rearm(std::size_t i) noexcept {
    receive_[i].msg_hdr.msg_namelen = sizeof peers_[i];
    receive_[i].msg_hdr.msg_controllen = control_[i].size();
  }

  void queue(std::size_t i, std::size_t size) noexcept {
    send_iov_[to_send_] = {responses_[to_send_].data(), size};
    msghdr& header = send_[to_send_].msg_hdr;
    header = receive_[i].msg_hdr;
    header.msg_iov = &send_iov_[to_send_];
    header.msg_flags = 0;
    if (header.msg_controllen == 0) {
      header.msg_control = nullptr;
    } else {
      answer_by_route(header);
    }
    ++to_send_;
  }

  /// Keeps the queried address as the source, but leaves the interface to the routing table: with
  /// asymmetric routes the way back differs. Only link-local addresses need their interface.
  static void answer_by_route(msghdr& header) noexcept {
    for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr;
         item = CMSG_NXTHDR(&header, item)) {
      if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
        in_pktinfo info;
        std::memcpy(&info, CMSG_DATA(item), sizeof info);
        info.ipi_ifindex = 0;
        info.ipi_spec_dst = info.ipi_addr;
        std::memcpy(CMSG_DATA(item), &info, sizeof info);
      } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
        in6_pktinfo info;
        std::memcpy(&info, CMSG_DATA(item), sizeof info);
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) info.ipi6_ifindex = 0;
        std::memcpy(CMSG_DATA(item), &info, sizeof info);
      }
    }
  }

  static constexpr std::size_t kControlRoom = CMSG_SPACE(sizeof(in6_pktinfo));

  std::array<std::array<std::uint8_t, kQueryRoom>, kBatch> queries_;
  std::array<std::array<std::uint8_t, kEdnsUdpSize>, kBatch> responses_;
  alignas(cmsghdr) std::array<std::array<std::uint8_t, kControlRoom>, kBatch> control_;
  std::array<sockaddr_storage, kBatch> peers_;
  std::array<iovec, kBatch> receive_iov_;
  std::array<iovec, kBatch> send_iov_;
  std::array<mmsghdr, kBatch> receive_;
  std::array<mmsghdr, kBatch> send_;
  std::size_t dirty_ = 0;
  std::size_t to_send_ = 0;
};

}  // namespace

UdpWorker::UdpWorker(base::UniqueFd socket, const zones::Published& published, std::uint64_t seed,
                     const SipHashKey& key)
    : socket_(std::move(socket)), published_(published), limiter_(key), scratch_(seed) {
  scratch_.limiter = &limiter_;
}

UdpWorker::~UdpWorker() { stop(); }

void UdpWorker::start() {
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &kReceiveTimeout, sizeof kReceiveTimeout);
  thread_ = std::thread([this] { run(); });
}

void UdpWorker::stop() {
  stopping_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
}

void UdpWorker::run() noexcept {
  const auto batch = std::make_unique<Batch>();
  zones::SnapshotReader reader(published_);
  for (int drained = 0; drained < kMaxDrainedBatches;) {
    const bool stopping = stopping_.load(std::memory_order_relaxed);
    const int count = batch->receive(socket_.get(), stopping ? MSG_DONTWAIT : MSG_WAITFORONE);
    if (count > 0) {
      scratch_.read_clock();
      batch->answer_all(static_cast<std::size_t>(count), reader.refresh(), scratch_);
      batch->send(socket_.get(), scratch_.counters);
      if (stopping) ++drained;
      continue;
    }
    if (stopping) return;
    if (errno != EAGAIN && errno != EINTR) {
      scratch_.counters.receive_failed.add();
      std::this_thread::sleep_for(kPauseAfterError);
    }
    reader.refresh();  // An idle worker must not keep an old snapshot alive.
  }
}

}  // namespace gslb::dns
