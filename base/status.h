// Macros over absl::Status, which Abseil itself doesn't give.
//
//   PUSHPULL_RETURN_IF_ERROR(file.Sync());
//   PUSHPULL_ASSIGN_OR_RETURN(const Config config, ReadConfig(path));
//
// For base::Result see result.h.

#ifndef BASE_STATUS_H_
#define BASE_STATUS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns the status from the function that stands around it, if it isn't OK.
#define PUSHPULL_RETURN_IF_ERROR(expression)                                \
  do {                                                                      \
    if (absl::Status pushpull_status = (expression); !pushpull_status.ok()) \
      return pushpull_status;                                               \
  } while (false)

// Declares or assigns `lhs` from an absl::StatusOr, or returns its status. `lhs` may have no comma
// (use auto). It is more than one statement: it can't be the whole body of an `if`.
#define PUSHPULL_ASSIGN_OR_RETURN(lhs, ...)                                              \
  PUSHPULL_ASSIGN_OR_RETURN_1_(PUSHPULL_STATUS_CAT_(pushpull_status_or_, __LINE__), lhs, \
                               __VA_ARGS__)

#define PUSHPULL_ASSIGN_OR_RETURN_1_(temporary, lhs, ...)    \
  auto temporary = (__VA_ARGS__);                            \
  if (!temporary.ok()) return std::move(temporary).status(); \
  lhs = *std::move(temporary)

#define PUSHPULL_STATUS_CAT_(a, b) PUSHPULL_STATUS_CAT_1_(a, b)
#define PUSHPULL_STATUS_CAT_1_(a, b) a##b

#endif  // BASE_STATUS_H_
