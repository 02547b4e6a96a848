// connections: many of them, some at a time, one after another.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "initiator_sim/player/drivers.h"
#include "initiator_sim/player/steps.h"

namespace pushpull::initiator_sim {
namespace {

class ConnectionsAction : public Action {
 public:
  ConnectionsAction(Play* play, const v1::Step& step)
      : play_(play), driver_(step.connections()), name_(play->LinkName(step.connection())) {}

  Progress Advance() override {
    for (;;) {
      if (some_.empty()) {
        if (begun_ == driver_.count()) return Progress::kDone;
        Begin();
      }
      const Progress progress = AdvanceAll();
      if (progress != Progress::kDone) return progress;
      play_->Progressed();
      NextStage();
    }
  }

  std::string Awaiting() const override {
    for (const One& one : some_) {
      if (!one.done && one.action != nullptr) {
        return absl::StrCat(one.action->Awaiting(), ", on connection ", one.step.connection());
      }
    }
    return absl::StrCat("the end of connections ", begun_ - some_.size(), " to ", begun_ - 1);
  }

 private:
  // All connections of a time go through them together.
  enum class Stage : uint8_t { kOpen, kCommand, kLogout, kClose };

  struct One {
    v1::Step step;  // of the action
    std::unique_ptr<Action> action;
    bool done = false;
  };

  void Begin() {
    stage_ = Stage::kOpen;
    const uint32_t most = std::max<uint32_t>(driver_.at_a_time(), 1);
    some_.resize(std::min(most, driver_.count() - begun_));
    for (One& one : some_) one.step.set_connection(absl::StrCat(name_, ".", begun_++));
  }

  void NextStage() {
    if (stage_ == Stage::kClose) return some_.clear();
    stage_ = static_cast<Stage>(static_cast<uint8_t>(stage_) + 1);
    for (One& one : some_) {
      one.action.reset();
      one.done = false;
    }
  }

  Progress AdvanceAll() {
    bool all = true;
    for (One& one : some_) {
      if (one.done) continue;
      const Progress progress = AdvanceOne(&one);
      if (progress == Progress::kOver) return progress;
      one.done = progress == Progress::kDone;
      all = all && one.done;
    }
    return all ? Progress::kDone : Progress::kWaiting;
  }

  Progress AdvanceOne(One* one) {
    if (stage_ == Stage::kClose) return Close(one);
    if (one->action == nullptr) {
      if (!MakeStep(&one->step)) return Progress::kDone;
      one->action = MakeAction(play_, one->step);
    }
    return one->action->Advance();
  }

  // What a connection does in this stage. False: nothing.
  bool MakeStep(v1::Step* step) const {
    switch (stage_) {
      case Stage::kOpen:
        if (driver_.has_login()) {
          *step->mutable_login() = driver_.login();
        } else {
          step->mutable_connect();
        }
        return true;
      case Stage::kCommand:
        if (driver_.has_command()) *step->mutable_command() = driver_.command();
        return driver_.has_command();
      case Stage::kLogout:
        if (LogsOut(step->connection())) step->mutable_logout();
        return LogsOut(step->connection());
      case Stage::kClose:
        break;
    }
    return false;
  }

  // Not where the login stops before its end, or was refused as it may be.
  bool LogsOut(const std::string& connection) const {
    const v1::LoginDriver& login = driver_.login();
    if (!driver_.has_login()) return false;
    if (login.has_until() && login.until() != v1::FULL_FEATURE_PHASE) return false;
    const Link* const link = play_->FindLink(connection);
    return !login.has_expect() || (link != nullptr && link->full_feature());
  }

  Progress Close(One* one) {
    Link* const link = play_->FindLink(one->step.connection());
    if (link == nullptr) return Progress::kDone;
    if (!link->closed_by_us) play_->CloseLink(link, v1::FIN);
    return link->iser == nullptr || link->iser->gone() ? Progress::kDone : Progress::kWaiting;
  }

  Play* const play_;
  const v1::Connections driver_;
  const std::string name_;
  Stage stage_ = Stage::kOpen;
  std::vector<One> some_;
  uint32_t begun_ = 0;
};

}  // namespace

std::unique_ptr<Action> MakeConnections(Play* play, const v1::Step& step) {
  return std::make_unique<ConnectionsAction>(play, step);
}

}  // namespace pushpull::initiator_sim
