// A task that its owner keeps and runs again and again, and which may destroy its owner.

#ifndef FABRIC_HANDLER_H_
#define FABRIC_HANDLER_H_

#include <utility>

#include "fabric/loop.h"

namespace pushpull::fabric {

template <typename Function>
class Handler {
 public:
  Handler() = default;
  explicit Handler(Function function) : function_(std::move(function)) {}
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  ~Handler() {
    if (destroyed_ != nullptr) *destroyed_ = true;
  }

  void Set(Function function) { function_ = std::move(function); }

  // A handler that is running is destroyed when it has returned.
  void Clear() {
    cleared_ = true;
    function_ = nullptr;
  }

  bool running() const { return destroyed_ != nullptr; }

  // False if the owner, this with it, was destroyed meanwhile. Does nothing where none is set.
  template <typename... Arguments>
  bool Run(Arguments&&... arguments) {
    if (!function_) return true;
    bool destroyed = false;
    destroyed_ = &destroyed;
    cleared_ = false;
    // Out of the owner's reach: what runs must outlive it.
    Function running = std::exchange(function_, nullptr);
    running(std::forward<Arguments>(arguments)...);
    if (destroyed) return false;
    destroyed_ = nullptr;
    if (!cleared_ && !function_) function_ = std::move(running);
    return true;
  }

 private:
  Function function_;
  bool* destroyed_ = nullptr;  // a flag of the Run() that is running
  bool cleared_ = false;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_HANDLER_H_
