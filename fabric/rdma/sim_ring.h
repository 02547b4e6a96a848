// A queue of fixed capacity whose places are numbered for ever: no allocation once it is made.

#ifndef FABRIC_RDMA_SIM_RING_H_
#define FABRIC_RDMA_SIM_RING_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"

namespace pushpull::fabric {

template <typename T>
class SimRing {
 public:
  explicit SimRing(size_t capacity) : places_(std::bit_ceil(capacity)), mask_(places_.size() - 1) {}

  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  size_t capacity() const { return places_.size(); }

  T& operator[](uint64_t number) {
    DCHECK(number - begin_ < size());
    return places_[number & mask_];
  }
  const T& operator[](uint64_t number) const {
    DCHECK(number - begin_ < size());
    return places_[number & mask_];
  }
  T& front() { return (*this)[begin_]; }
  size_t place(uint64_t number) const { return number & mask_; }

  // A place at the end, as its last user left it.
  T& Push() {
    DCHECK(size() < places_.size());
    return places_[end_++ & mask_];
  }
  void Pop() {
    DCHECK(!empty());
    ++begin_;
  }
  void PopUntil(uint64_t number) { begin_ = number; }

 private:
  std::vector<T> places_;
  const size_t mask_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
};

}  // namespace pushpull::fabric

#endif  // FABRIC_RDMA_SIM_RING_H_
