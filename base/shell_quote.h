// Words for command lines that people copy into a shell.

#ifndef BASE_SHELL_QUOTE_H_
#define BASE_SHELL_QUOTE_H_

#include <string>
#include <string_view>

namespace pushpull::base {

// The word as a POSIX shell takes it: as it is where nothing in it means anything to a shell, else
// in single quotes.
std::string ShellQuoted(std::string_view word);

}  // namespace pushpull::base

#endif  // BASE_SHELL_QUOTE_H_
