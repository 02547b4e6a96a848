// A queue that grows to what it once held, and allocates nothing from then on.

#ifndef TARGET_TX_RING_H_
#define TARGET_TX_RING_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "base/check.h"

namespace pushpull::target {

template <typename T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  T& operator[](size_t i) { return items_[At(i)]; }
  const T& operator[](size_t i) const { return items_[At(i)]; }
  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }

  void push_back(T item) {
    if (size_ == items_.size()) Grow();
    items_[At(size_++)] = std::move(item);
  }
  // The oldest, moved out.
  T pop_front() {
    CHECK(!empty());
    T item = std::exchange(items_[first_], T());
    first_ = At(1);
    --size_;
    return item;
  }

 private:
  size_t At(size_t i) const {
    const size_t at = first_ + i;
    return at < items_.size() ? at : at - items_.size();
  }
  void Grow() {
    std::vector<T> grown(items_.empty() ? 8 : 2 * items_.size());
    for (size_t i = 0; i < size_; ++i) grown[i] = std::move((*this)[i]);
    items_ = std::move(grown);
    first_ = 0;
  }

  std::vector<T> items_;
  size_t first_ = 0;
  size_t size_ = 0;
};

}  // namespace pushpull::target

#endif  // TARGET_TX_RING_H_
