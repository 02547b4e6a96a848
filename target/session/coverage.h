// Which bytes of a range have come, where they may come in any order (DataPDUInOrder=No,
// RFC 7143 §13.18).

#ifndef TARGET_SESSION_COVERAGE_H_
#define TARGET_SESSION_COVERAGE_H_

#include <cstdint>
#include <iterator>
#include <map>

namespace pushpull::target {

class Coverage {
 public:
  // Adds [begin, end). False, and nothing is added, where a byte of it is there already.
  bool Add(uint32_t begin, uint32_t end) {
    if (begin == end) return true;
    auto next = pieces_.lower_bound(begin);
    if (next != pieces_.end() && next->first < end) return false;
    if (next != pieces_.begin()) {
      auto previous = std::prev(next);
      if (previous->second > begin) return false;
      if (previous->second == begin) {
        begin = previous->first;
        pieces_.erase(previous);
      }
    }
    if (next != pieces_.end() && next->first == end) {
      end = next->second;
      pieces_.erase(next);
    }
    pieces_[begin] = end;
    return true;
  }

  // Whether what is there is one piece from 0 on, or nothing.
  bool contiguous() const {
    return pieces_.empty() || (pieces_.size() == 1 && pieces_.begin()->first == 0);
  }

 private:
  std::map<uint32_t, uint32_t> pieces_;  // begin to end; no two touch
};

}  // namespace pushpull::target

#endif  // TARGET_SESSION_COVERAGE_H_
