#include "fuzz/session/chap_of_target.h"

#include <utility>

#include "target/login/chap.h"

namespace pushpull::fuzz {

const initiator_sim::ChapCredentials& OwnChapCredentials() {
  static const auto* const credentials = new initiator_sim::ChapCredentials{
      .user = "org.pushpull.initiator",
      .secret = "of the initiator",
      .mutual_user = "org.pushpull.reference",
      .mutual_secret = "of the reference target",
  };
  return *credentials;
}

target::ChapOptions ChapOptionsOf(const initiator_sim::ChapCredentials& known,
                                  std::vector<std::string> initiator_names) {
  target::ChapOptions options;
  options.accounts.push_back(
      {known.user, target::ChapSecret(known.secret), std::move(initiator_names)});
  if (!known.mutual_secret.empty()) {
    options.own =
        target::ChapAccount{known.mutual_user, target::ChapSecret(known.mutual_secret), {}};
  }
  return options;
}

}  // namespace pushpull::fuzz
