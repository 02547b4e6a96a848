// A case played on a target of its own, with all that another transport must do alike.

#ifndef TOOLS_SUITES_COMPARED_PLAY_H_
#define TOOLS_SUITES_COMPARED_PLAY_H_

#include <map>
#include <memory>
#include <string>

#include "conformance/runner/endpoint.h"
#include "conformance/runner/suite.h"
#include "tools/endpoints/embedded_target.h"

namespace pushpull::tools {

struct Played {
  std::string verdict;                          // and why
  std::map<std::string, std::string> outcomes;  // by task
  std::map<std::string, std::string> blocks;    // by LUN and address
};

// `make`: targets whose stores go through what it is given.
Played PlayToCompare(const conformance::Case& c,
                     std::unique_ptr<conformance::EndpointFactory> (*make)(WrapStore));

// Over the simulated network, what iSER is compared with.
std::unique_ptr<conformance::EndpointFactory> MakeTcpFactory(WrapStore wrap);

}  // namespace pushpull::tools

#endif  // TOOLS_SUITES_COMPARED_PLAY_H_
