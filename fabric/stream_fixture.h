// What the tests of streams share: an end that does what every user of a stream does, and a pair of
// them on each maker.

#ifndef PUSHPULL_FABRIC_STREAM_FIXTURE_H_
#define PUSHPULL_FABRIC_STREAM_FIXTURE_H_

#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/random.h"
#include "fabric/loop.h"
#include "fabric/makers.h"
#include "fabric/stream.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {

using Kind = IoResult::Kind;

inline IoResult Read(Stream& stream, char* to, size_t size) {
  const iovec buffer = {to, size};
  return stream.TryRead({&buffer, 1});
}

inline IoResult Write(Stream& stream, const std::string& text) {
  const iovec buffer = {const_cast<char*>(text.data()), text.size()};
  return stream.TryWrite({&buffer, 1});
}

inline std::string RandomText(uint64_t seed, size_t size) {
  base::Random random(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random.Next());
  return text;
}

// One end, with handlers that do what every user of a stream does.
class Peer {
 public:
  explicit Peer(std::unique_ptr<Stream> stream) : stream_(std::move(stream)) {}

  void Start() {
    stream_->SetHandlers([this] { OnReadable(); }, [this] { OnWritable(); });
  }
  void Send(const std::string& text) {
    out_ += text;
    Pump();
  }
  // After all that was sent.
  void Finish() {
    finish_ = true;
    Pump();
  }
  // Reads no more than `size` bytes in all until it's called again.
  void LimitReads(size_t size) { read_limit_ = size; }
  void ReadOn() { OnReadable(); }

  Stream& stream() { return *stream_; }
  void Destroy() { stream_.reset(); }
  std::unique_ptr<Stream> Release() && { return std::move(stream_); }
  const std::string& received() const { return received_; }
  bool ended() const { return ended_; }
  int read_error() const { return read_error_; }
  int write_error() const { return write_error_; }
  bool all_sent() const { return sent_ == out_.size(); }
  size_t sent() const { return sent_; }
  int readable_calls() const { return readable_calls_; }
  int writable_calls() const { return writable_calls_; }

  bool echo = false;

 private:
  void OnReadable() {
    ++readable_calls_;
    while (received_.size() < read_limit_) {
      char first[7];
      char second[5000];
      const size_t left = read_limit_ - received_.size();
      const iovec buffers[] = {
          {first, std::min(left, sizeof first)},
          {nullptr, 0},
          {second, std::min(left - std::min(left, sizeof first), sizeof second)}};
      const IoResult result = stream_->TryRead(buffers);
      if (result.kind == Kind::kBytes) {
        const size_t head = std::min(result.bytes, buffers[0].iov_len);
        std::string got(first, head);
        got.append(second, result.bytes - head);
        received_ += got;
        if (echo) Send(got);
        continue;
      }
      if (result.kind == Kind::kEnd) {
        ended_ = true;
        if (echo) Finish();
      }
      if (result.kind == Kind::kError) read_error_ = result.error;
      return;
    }
  }
  void OnWritable() {
    ++writable_calls_;
    blocked_ = false;
    Pump();
  }
  void Pump() {
    while (!blocked_ && write_error_ == 0 && sent_ < out_.size()) {
      const size_t left = out_.size() - sent_;
      const size_t head = std::min<size_t>(left, 3);
      const iovec buffers[] = {{out_.data() + sent_, head},
                               {out_.data() + sent_ + head, left - head}};
      const IoResult result = stream_->TryWrite(buffers);
      if (result.kind == Kind::kBytes) sent_ += result.bytes;
      if (result.kind == Kind::kWouldBlock) blocked_ = true;
      if (result.kind == Kind::kError) write_error_ = result.error;
      ASSERT_NE(result.kind, Kind::kEnd);
    }
    if (finish_ && all_sent() && !std::exchange(finished_, true)) stream_->ShutdownWrite();
  }

  std::unique_ptr<Stream> stream_;
  std::string out_;
  size_t sent_ = 0;
  bool blocked_ = false;
  bool finish_ = false;
  bool finished_ = false;
  std::string received_;
  size_t read_limit_ = SIZE_MAX;
  bool ended_ = false;
  int read_error_ = 0;
  int write_error_ = 0;
  int readable_calls_ = 0;
  int writable_calls_ = 0;
};

class StreamTest : public testing::TestWithParam<MakerKind> {
 protected:
  StreamTest() : maker_(GetParam().make()) {}

  Network& network() { return *maker_->network(); }
  void RunUntil(const std::function<bool()>& done) { maker_->RunUntil(done); }

  std::unique_ptr<Listener> Listen(Network::AcceptHandler accept) {
    auto listener = network().Listen(maker_->loop(), maker_->any_port(), std::move(accept));
    EXPECT_TRUE(listener.ok()) << listener.status();
    return *std::move(listener);
  }

  absl::StatusOr<std::unique_ptr<Stream>> Connect(const Address& address) {
    std::optional<absl::StatusOr<std::unique_ptr<Stream>>> result;
    network().Connect(maker_->loop(), address,
                      [&](absl::StatusOr<std::unique_ptr<Stream>> r) { result = std::move(r); });
    EXPECT_FALSE(result.has_value()) << "called within Connect";
    RunUntil([&] { return result.has_value(); });
    if (!result.has_value()) return absl::InternalError("never connected");
    return *std::move(result);
  }

  // Connects client_ to server_, neither of them started.
  void MakePair() {
    std::unique_ptr<Stream> accepted;
    const auto listener = Listen([&](std::unique_ptr<Stream> s) { accepted = std::move(s); });
    auto connected = Connect(listener->address());
    ASSERT_TRUE(connected.ok()) << connected.status();
    RunUntil([&] { return accepted != nullptr; });
    ASSERT_NE(accepted, nullptr);
    client_ = std::make_unique<Peer>(*std::move(connected));
    server_ = std::make_unique<Peer>(std::move(accepted));
  }
  void StartPair() {
    MakePair();
    if (HasFatalFailure()) return;
    client_->Start();
    server_->Start();
  }

  const std::unique_ptr<Maker> maker_;
  std::unique_ptr<Peer> client_;
  std::unique_ptr<Peer> server_;
};

}  // namespace pushpull::fabric

#endif  // PUSHPULL_FABRIC_STREAM_FIXTURE_H_
