// The machine's tables: that they say what is so, and that documents show them.

#include "target/rx/tables.h"

#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "target/rx/byte_source.h"
#include "target/rx/chunk.h"
#include "target/rx/push_source.h"
#include "target/rx/tcp_source.h"
#include "target/rx/transport_traits.h"

namespace pushpull::target {
namespace {

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(TablesTest, DocumentsShowThem) {
  for (const std::string path : {"docs/DESIGN.md", "target/rx/README.md"}) {
    const std::string document = Contents(path);
    for (const char* name : {"rx-states", "rx-diagram", "rx-traits"}) {
      EXPECT_NE(document.find("<!-- " + std::string(name) + " -->\n"), document.npos)
          << path << " doesn't show " << name;
    }
    EXPECT_EQ(document, WithTables(document))
        << "bazel run //target/rx:write_tables -- $PWD/" << path;
  }
}

TEST(TablesTest, WritesBetweenMarkersAlone) {
  EXPECT_EQ(WithTables("a\n<!-- rx-states -->\nold\n<!-- /rx-states -->\nb\n"),
            "a\n<!-- rx-states -->\n" + StatesTable() + "<!-- /rx-states -->\nb\n");
  EXPECT_EQ(WithTables("<!-- rx-traits -->\nno end"), "<!-- rx-traits -->\nno end");
  EXPECT_EQ(WithTables("nothing"), "nothing");
}

TEST(TablesTest, EveryStateOnceInItsOrder) {
  ASSERT_EQ(kRxStateRows.size(), static_cast<size_t>(RxState::kFailed) + 1);
  for (size_t i = 0; i < kRxStateRows.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(kRxStateRows[i].state), i);
    EXPECT_TRUE(kRxStateRows[i].section.starts_with("RFC 7143 §"));
  }
  std::set<std::string_view> names;
  for (int chunk = 0; chunk <= static_cast<int>(Chunk::kDataDigest); ++chunk) {
    const std::string_view name = ChunkName(static_cast<Chunk>(chunk));
    EXPECT_TRUE(names.insert(name).second) << name;
    int states = 0;
    for (const RxStateRow& row : kRxStateRows) states += row.chunk.find(name) != row.chunk.npos;
    EXPECT_GE(states, 1) << name;
  }
}

// What the RFCs say, once more.
TEST(TablesTest, TransportsDifferWhereTheRfcsSaySo) {
  EXPECT_TRUE(kTcpTraits.digests);           // RFC 7143 §13.1
  EXPECT_FALSE(kIserTraits.digests);         // RFC 7145 §6.1
  EXPECT_EQ(kTcpTraits.header_bytes, 0u);    // RFC 7143 §4.2.9
  EXPECT_EQ(kIserTraits.header_bytes, 28u);  // RFC 7145 §9.1
  EXPECT_FALSE(kTcpTraits.message_boundaries);
  EXPECT_TRUE(kIserTraits.message_boundaries);
  EXPECT_FALSE(kTcpTraits.pad_optional);  // RFC 7143 §11.1
  EXPECT_TRUE(kIserTraits.pad_optional);
  EXPECT_FALSE(kTcpTraits.data_stays_in_slot);
  EXPECT_TRUE(kIserTraits.data_stays_in_slot);
  EXPECT_TRUE(kTcpTraits.solicited_data_out);    // RFC 7143 §11.8
  EXPECT_FALSE(kIserTraits.solicited_data_out);  // RFC 7145 §7.3.6
  EXPECT_TRUE(kTcpTraits.data_in_pdus);          // RFC 7143 §11.7
  EXPECT_FALSE(kIserTraits.data_in_pdus);        // RFC 7145 §7.3.5
  EXPECT_TRUE(kTcpTraits.snack);                 // RFC 7143 §11.16
  EXPECT_FALSE(kIserTraits.snack);               // RFC 7145 §7.3.11
  EXPECT_FALSE(kTcpTraits.iser_data_segment_keys);
  EXPECT_TRUE(kIserTraits.iser_data_segment_keys);  // RFC 7145 §6.2
  EXPECT_FALSE(kTcpTraits.free_on_completion);
  EXPECT_TRUE(kIserTraits.free_on_completion);
  EXPECT_EQ(kTcpTraits.default_max_ahs_bytes, 1020u);  // RFC 7143 §11.2.1.5
  EXPECT_EQ(kIserTraits.default_max_ahs_bytes, 256u);  // RFC 7145 §6.8
  // Every field has its row: the name and the default of the next one would show otherwise.
  EXPECT_EQ(std::size(kTraitRows), 11u);
}

TEST(TablesTest, SourcesPointToTheirRow) {
  EXPECT_EQ(&TcpSource::kTraits, &kTcpTraits);
  EXPECT_EQ(&ByteSource::kTraits, &kTcpTraits);
  EXPECT_EQ(&PushSource::kTraits, &kIserTraits);
}

}  // namespace
}  // namespace pushpull::target
