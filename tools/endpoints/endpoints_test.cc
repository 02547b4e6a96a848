#include "tools/endpoints/endpoints.h"

#include <string>

#include "gtest/gtest.h"
#include "tools/endpoints/uri.h"

namespace pushpull::tools {
namespace {

// Else a form that help offers would be refused after all.
TEST(EndpointsTest, EachWiredSchemeHasAFactory) {
  for (const TargetScheme& scheme : TargetSchemes()) {
    if (!scheme.wired) continue;
    const std::string text = std::string(scheme.begin) + (scheme.remote ? "192.0.2.1/iqn.x" : "");
    const auto uri = ParseTargetUri(text);
    ASSERT_TRUE(uri.ok()) << uri.status();
    const auto factory = MakeEndpointFactory({*uri}, {});
    ASSERT_TRUE(factory.ok()) << factory.status();
    EXPECT_EQ((*factory)->uri(), text);
    EXPECT_EQ((*factory)->own_target(), !scheme.remote);
  }
}

}  // namespace
}  // namespace pushpull::tools
