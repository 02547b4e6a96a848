#include "initiator_sim/player/block_lengths.h"

#include <google/protobuf/text_format.h>

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "pushpull/v1/scenario.pb.h"

namespace pushpull::initiator_sim {
namespace {

std::string Resolved(const std::string& text, uint32_t block_size) {
  v1::Scenario scenario;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &scenario)) << text;
  ResolveBlockLengths(block_size, &scenario);
  EXPECT_FALSE(HasBlockLengths(scenario));
  return scenario.ShortDebugString();
}

TEST(BlockLengthsTest, EachBecomesBytes) {
  const struct {
    const char* in_blocks;
    const char* in_bytes;  // of 4096-byte blocks
  } kCases[] = {
      {"let { name: \"n\" number_in_blocks: 3 }", "let { name: \"n\" number: 12288 }"},
      {"step { command { read_length_in_blocks: 0 residual_underflow_in_blocks: 1 "
       "residual_overflow_in_blocks: 2 } }",
       "step { command { read_length: 0 residual_underflow: 4096 residual_overflow: 8192 } }"},
      {"step { check_blocks { data { pattern { offset_in_blocks: 8 length_in_blocks: 1 } } } }",
       "step { check_blocks { data { pattern { offset: 32768 length: 4096 } } } }"},
      {"sweep { row { step { register { length_in_blocks: 2 } } } }",
       "sweep { row { step { register { length: 8192 } } } }"},
      {"step { expect_rdma { total_in_blocks: 1 offset_in_blocks: 2 length_in_blocks: 3 } }",
       "step { expect_rdma { offset: 8192 length: 12288 total: 4096 } }"},
      {"step { gather_data_in { expect_length_in_blocks: 1 } }",
       "step { gather_data_in { expect_length: 4096 } }"},
      // As much as the field can say.
      {"step { register { length_in_blocks: 1048576 } }",
       "step { register { length: 4294967295 } }"},
      {"let { number_in_blocks: 18446744073709551615 }", "let { number: 18446744073709551615 }"},
  };
  for (const auto& one : kCases) {
    EXPECT_EQ(Resolved(one.in_blocks, 4096), Resolved(one.in_bytes, 4096)) << one.in_blocks;
  }
}

// Each field of such a name has the one that it stands for.
void CheckFields(const google::protobuf::Descriptor* type, std::set<std::string>* seen) {
  if (!seen->insert(type->full_name()).second) return;
  constexpr std::string_view kSuffix = "_in_blocks";
  for (int i = 0; i < type->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* const field = type->field(i);
    if (field->message_type() != nullptr) CheckFields(field->message_type(), seen);
    const std::string& name = field->name();
    if (!std::string_view(name).ends_with(kSuffix)) continue;
    const auto* const bytes = type->FindFieldByName(name.substr(0, name.size() - kSuffix.size()));
    ASSERT_NE(bytes, nullptr) << field->full_name();
    EXPECT_FALSE(field->is_repeated() || bytes->is_repeated()) << field->full_name();
    for (const auto* one : {field, bytes}) {
      EXPECT_TRUE(one->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_UINT32 ||
                  one->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_UINT64)
          << one->full_name();
    }
  }
}

TEST(BlockLengthsTest, EachStandsForAField) {
  std::set<std::string> seen;
  CheckFields(v1::Scenario::descriptor(), &seen);
  EXPECT_GT(seen.size(), 50u);
}

}  // namespace
}  // namespace pushpull::initiator_sim
