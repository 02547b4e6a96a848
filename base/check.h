// CHECK: our own bugs. On in release builds too; a peer's or the environment's faults never end
// here.
//
//   CHECK(slot.free()) << "slot " << slot.index();
//   CHECK_EQ(used, 0);

#ifndef BASE_CHECK_H_
#define BASE_CHECK_H_

#include <sstream>

namespace pushpull::base {

// Collects the message of a failed CHECK and ends the process in its destructor.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  CheckFailure(const CheckFailure&) = delete;
  CheckFailure& operator=(const CheckFailure&) = delete;
  [[noreturn]] ~CheckFailure();
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

// Gives both arms of CHECK's conditional the type void.
struct CheckVoidify {
  void operator&(std::ostream&) const {}
};

}  // namespace pushpull::base

#define CHECK(condition)                   \
  __builtin_expect(!!(condition), 1)       \
      ? static_cast<void>(0)               \
      : ::pushpull::base::CheckVoidify{} & \
            ::pushpull::base::CheckFailure(__FILE__, __LINE__, #condition).stream()

#define CHECK_EQ(a, b) CHECK((a) == (b)) << (a) << " vs " << (b) << " "
#define CHECK_NE(a, b) CHECK((a) != (b)) << (a) << " vs " << (b) << " "
#define CHECK_LE(a, b) CHECK((a) <= (b)) << (a) << " vs " << (b) << " "
#define CHECK_LT(a, b) CHECK((a) < (b)) << (a) << " vs " << (b) << " "
#define CHECK_GE(a, b) CHECK((a) >= (b)) << (a) << " vs " << (b) << " "
#define CHECK_GT(a, b) CHECK((a) > (b)) << (a) << " vs " << (b) << " "

// Only where a release build can't afford the test.
#ifdef NDEBUG
#define DCHECK(condition) \
  while (false) CHECK(condition)
#else
#define DCHECK(condition) CHECK(condition)
#endif

#endif  // BASE_CHECK_H_
