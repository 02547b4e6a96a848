// Checks of numbers on the command line. The parser's own conversions take "-1" for an unsigned
// number, "010" for 8, what is too large for the largest and "nan" for a number within any limits.

#ifndef TOOLS_PUSHPULL_NUMBERS_H_
#define TOOLS_PUSHPULL_NUMBERS_H_

#include <cstdint>

#include "CLI/CLI.hpp"

namespace pushpull::tools {

// A whole number in decimal digits, both limits included. For Option::transform: "010" is made
// "10".
CLI::Validator WholeNumber(uint64_t min, uint64_t max);

// A finite decimal number, both limits included.
CLI::Validator DecimalNumber(double min, double max);

}  // namespace pushpull::tools

#endif  // TOOLS_PUSHPULL_NUMBERS_H_
