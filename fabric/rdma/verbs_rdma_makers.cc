#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "fabric/epoll_loop.h"
#include "fabric/loop.h"
#include "fabric/rdma/rdma.h"
#include "fabric/rdma/rdma_makers.h"
#include "fabric/rdma/verbs_makers.h"
#include "fabric/rdma/verbs_network.h"
#include "fabric/stream.h"
#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

class VerbsMaker final : public RdmaMaker {
 public:
  explicit VerbsMaker(std::string host) : host_(std::move(host)) {}

  Loop* loop() override { return &loop_; }
  Loop* other_loop() override { return other_.loop(); }
  RdmaNetwork* network() override { return network_.get(); }
  void DestroyNetwork() override { network_.reset(); }
  Address any_port() const override { return {host_, 0}; }
  void RunUntil(absl::FunctionRef<bool()> done) override {
    // Emulated machines are slow.
    bool late = false;
    const Loop::TimerId timer = loop_.StartTimer(absl::Seconds(30), [&] { late = true; });
    loop_.RunUntil([&] { return late || done(); });
    if (!late) return loop_.CancelTimer(timer);
    ADD_FAILURE() << "nothing more happens";
  }
  // rxe (of Linux 6.1) looks at the region's bounds alone.
  bool keeps_window_bounds() const override { return false; }
  void Settle() override {
    bool waited = false;
    loop_.StartTimer(absl::Milliseconds(100), [&] { waited = true; });
    loop_.RunUntil([&] { return waited; });
  }

 private:
  const std::string host_;
  EpollLoop loop_;
  LoopThread other_;
  std::unique_ptr<VerbsNetwork> network_ = std::make_unique<VerbsNetwork>();
};

}  // namespace

std::vector<RdmaMakerKind> AllRdmaMakers() {
  const std::string host = RdmaAddressOfTests();
  if (host.empty()) return {{"Verbs", nullptr}};
  return {{"Verbs", [host] { return std::make_unique<VerbsMaker>(host); }}};
}

}  // namespace pushpull::fabric
