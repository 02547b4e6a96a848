// Connects and drops, at one stage after the other.

#ifndef TOOLS_LOAD_DROPS_H_
#define TOOLS_LOAD_DROPS_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "tools/load/client.h"

namespace pushpull::tools {

inline constexpr std::array<std::string_view, 7> kDropStages = {
    "connected", "within a login request", "between login requests", "logged in", "reads under way",
    "R2T open",  "within Data-Out"};

// One that drops again and again, on its loop. `next` says at which stage, from 0; none is left: a
// negative number. `failed` hears of what didn't get so far.
class Dropper {
 public:
  using Next = std::function<int64_t()>;

  Dropper(fabric::Network* network, fabric::Loop* loop, ClientIdentity identity,
          fabric::Address address, Next next, std::function<void(absl::Status)> failed,
          std::function<void()> finished);
  Dropper(const Dropper&) = delete;
  Dropper& operator=(const Dropper&) = delete;
  ~Dropper() { *life_ = nullptr; }

  void Start() { Again(); }

 private:
  void Again();
  void OnConnected(size_t stage);
  void OnLoggedIn(size_t stage);
  void AwaitR2t(size_t stage);
  void DropNow();
  void DropAndGoOn();
  void Fail(const absl::Status& status);

  fabric::Network* const network_;
  fabric::Loop* const loop_;
  const ClientIdentity identity_;
  const fabric::Address address_;
  const Next next_;
  const std::function<void(absl::Status)> failed_;
  const std::function<void()> finished_;
  std::unique_ptr<Client> client_;
  fabric::Timer timer_;
  uint64_t drops_ = 0;
  bool dropping_ = false;
  // Null inside once this is destroyed.
  const std::shared_ptr<Dropper*> life_ = std::make_shared<Dropper*>(this);
  int waits_ = 0;
};

}  // namespace pushpull::tools

#endif  // TOOLS_LOAD_DROPS_H_
