// Result<T, E>: a value or an error that is a plain value, for what a peer did wrong. (Failures of
// our own environment are absl::Status; libstdc++ 12 has no std::expected.)
//
//   base::Result<Header, ProtocolError> Parse(base::Bytes bytes) {
//     if (bytes.size() < 48) return ProtocolError{...};
//     return Header{...};
//   }
//   base::Result<void, ProtocolError> Check(const Header& header);
//
//   PUSHPULL_TRY_ASSIGN(const Header header, Parse(bytes));  // returns the error, if it is one
//   PUSHPULL_TRY(Check(header));

#ifndef BASE_RESULT_H_
#define BASE_RESULT_H_

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"

namespace pushpull::base {

template <typename T, typename E>
class [[nodiscard]] Result {
  static_assert(!std::is_same_v<T, E>, "a value and an error must be told apart");
  static_assert(!std::is_reference_v<T> && !std::is_reference_v<E>);

 public:
  using value_type = T;
  using error_type = E;

  // Implicit, so that both `return value;` and `return error;` do.
  template <typename U = T>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, E>)
  constexpr Result(U&& value)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  constexpr Result(E error)  // NOLINT(google-explicit-constructor)
      : state_(std::in_place_index<1>, std::move(error)) {}

  constexpr bool ok() const { return state_.index() == 0; }
  constexpr explicit operator bool() const { return ok(); }

  // Asking for what isn't there is our own bug.
  constexpr T& value() & { return CheckOk(), *std::get_if<0>(&state_); }
  constexpr const T& value() const& { return CheckOk(), *std::get_if<0>(&state_); }
  constexpr T&& value() && { return CheckOk(), std::move(*std::get_if<0>(&state_)); }
  constexpr T& operator*() & { return value(); }
  constexpr const T& operator*() const& { return value(); }
  constexpr T&& operator*() && { return std::move(*this).value(); }
  constexpr T* operator->() { return &value(); }
  constexpr const T* operator->() const { return &value(); }

  constexpr const E& error() const& { return CheckFailed(), *std::get_if<1>(&state_); }
  constexpr E&& error() && { return CheckFailed(), std::move(*std::get_if<1>(&state_)); }

 private:
  constexpr void CheckOk() const { CHECK(ok()) << "value() of a Result that holds an error"; }
  constexpr void CheckFailed() const { CHECK(!ok()) << "error() of a Result that holds a value"; }

  std::variant<T, E> state_;
};

// Success without a value: `return {};`.
template <typename E>
class [[nodiscard]] Result<void, E> {
 public:
  using value_type = void;
  using error_type = E;

  constexpr Result() = default;
  constexpr Result(E error)  // NOLINT(google-explicit-constructor)
      : error_(std::move(error)) {}

  constexpr bool ok() const { return !error_.has_value(); }
  constexpr explicit operator bool() const { return ok(); }

  constexpr const E& error() const& { return CheckFailed(), *error_; }
  constexpr E&& error() && { return CheckFailed(), *std::move(error_); }

 private:
  constexpr void CheckFailed() const { CHECK(!ok()) << "error() of a Result that succeeded"; }

  std::optional<E> error_;
};

}  // namespace pushpull::base

// Returns the error from the function that stands around it, if there is one.
#define PUSHPULL_TRY(...)                                            \
  do {                                                               \
    if (auto pushpull_result = (__VA_ARGS__); !pushpull_result.ok()) \
      return std::move(pushpull_result).error();                     \
  } while (false)

// Declares or assigns `lhs` from a Result, or returns its error. `lhs` may have no comma (use
// auto). It is more than one statement: it can't be the whole body of an `if`.
#define PUSHPULL_TRY_ASSIGN(lhs, ...) \
  PUSHPULL_TRY_ASSIGN_1_(PUSHPULL_RESULT_CAT_(pushpull_result_, __LINE__), lhs, __VA_ARGS__)

#define PUSHPULL_TRY_ASSIGN_1_(temporary, lhs, ...)         \
  auto temporary = (__VA_ARGS__);                           \
  if (!temporary.ok()) return std::move(temporary).error(); \
  lhs = *std::move(temporary)

#define PUSHPULL_RESULT_CAT_(a, b) PUSHPULL_RESULT_CAT_1_(a, b)
#define PUSHPULL_RESULT_CAT_1_(a, b) a##b

#endif  // BASE_RESULT_H_
