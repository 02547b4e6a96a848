#include "target/store/lun_spec.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace pushpull::target {
namespace {

using Kind = LunSpec::Kind;

LunSpec Sized(Kind kind, uint64_t size_bytes) {
  LunSpec spec;
  spec.kind = kind;
  spec.size_bytes = size_bytes;
  return spec;
}

LunSpec File(std::string path, bool direct, bool read_only) {
  LunSpec spec;
  spec.kind = Kind::kFile;
  spec.path = std::move(path);
  spec.direct = direct;
  spec.read_only = read_only;
  return spec;
}

LunSpec Slow(std::vector<absl::Duration> delays, LunSpec spec) {
  spec.delays = std::move(delays);
  return spec;
}

TEST(LunSpecTest, TakesAllForms) {
  const struct {
    const char* text;
    LunSpec expected;
  } kCases[] = {
      {"ram:512", Sized(Kind::kRam, 512)},
      {"ram:256M", Sized(Kind::kRam, 256 << 20)},
      {"ram:4k", Sized(Kind::kRam, 4096)},
      {"null:3G", Sized(Kind::kNull, uint64_t{3} << 30)},
      {"pattern:1T", Sized(Kind::kPattern, uint64_t{1} << 40)},
      {"pattern:8388607T", Sized(Kind::kPattern, uint64_t{8388607} << 40)},
      {"file:/disk", File("/disk", false, false)},
      {"file:/disk,direct", File("/disk", true, false)},
      {"file:a,b,ro", File("a,b", false, true)},
      {"file:a,ro,direct", File("a", true, true)},
      {"slow:3600000,ram:512", Slow({absl::Hours(1)}, Sized(Kind::kRam, 512))},
      {"slow:20,ram:1M", Slow({absl::Milliseconds(20)}, Sized(Kind::kRam, 1 << 20))},
      {"slow:1,slow:0,file:x,direct",
       Slow({absl::Milliseconds(1), absl::ZeroDuration()}, File("x", true, false))},
  };
  for (const auto& c : kCases) {
    const auto spec = ParseLunSpec(c.text);
    ASSERT_TRUE(spec.ok()) << c.text << ": " << spec.status();
    EXPECT_TRUE(*spec == c.expected) << c.text;
  }
}

TEST(LunSpecTest, SaysWhatIsWrong) {
  const struct {
    const char* text;
    const char* message;
  } kCases[] = {
      {"ram:25Q", "bad size '25Q' in LUN 'ram:25Q': use a number with an optional K, M, G or T"},
      {"ram:", "bad size '' in LUN 'ram:': use a number"},
      {"ram:M", "bad size 'M' in LUN 'ram:M': use a number"},
      {"ram:-1M", "bad size '-1M'"},
      {"ram:+1M", "bad size '+1M'"},
      {"ram:1.5G", "bad size '1.5G'"},
      {"ram: 1G", "bad size ' 1G'"},
      {"ram:0", "size 0 in LUN 'ram:0'"},
      {"ram:513", "size '513' is no multiple of the block size 512 in LUN 'ram:513'"},
      {"ram:8388608T", "size '8388608T' is above 8 EiB"},
      {"ram:99999999999999999999", "size '99999999999999999999' is above 8 EiB"},
      {"file:", "no path (file:PATH[,direct][,ro]) in LUN 'file:'"},
      {"file:,direct", "no path"},
      {"slow:5", "no store to slow down (slow:MILLISECONDS,SPEC) in LUN 'slow:5'"},
      {"slow:5s,ram:1M", "bad delay '5s' (milliseconds, at most 3600000) in LUN"},
      {"slow:3600001,ram:1M", "bad delay '3600001'"},
      {"slow:5,tape:1M", "unknown kind of store 'tape:1M' in LUN 'slow:5,tape:1M'"},
      {"",
       "use one of ram:SIZE, file:PATH[,direct][,ro], slow:MILLISECONDS,SPEC, null:SIZE, "
       "pattern:SIZE"},
      {"RAM:1M", "unknown kind of store 'RAM:1M'"},
  };
  for (const auto& c : kCases) {
    const auto spec = ParseLunSpec(c.text);
    ASSERT_FALSE(spec.ok()) << c.text;
    EXPECT_EQ(spec.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(spec.status().message().find(c.message), std::string::npos) << spec.status();
  }
}

TEST(LunSpecTest, SizesSuitTheBlockSize) {
  EXPECT_TRUE(ParseLunSpec("ram:8K", 4096).ok());
  EXPECT_FALSE(ParseLunSpec("ram:512", 4096).ok());
}

TEST(LunSpecTest, MakesWhatItSays) {
  const struct {
    const char* text;
    uint64_t size_bytes;
    bool read_only;
    bool in_memory;
  } kCases[] = {
      {"ram:1M", 1 << 20, false, true},
      {"null:1T", uint64_t{1} << 40, false, false},
      {"pattern:1T", uint64_t{1} << 40, true, false},
      {"slow:5,pattern:1M", 1 << 20, true, false},
  };
  for (const auto& c : kCases) {
    const auto store = MakeStore(*ParseLunSpec(c.text));
    ASSERT_TRUE(store.ok()) << c.text << ": " << store.status();
    EXPECT_EQ((*store)->size_bytes(), c.size_bytes) << c.text;
    EXPECT_EQ((*store)->read_only(), c.read_only) << c.text;
    EXPECT_EQ(!(*store)->Memory().empty(), c.in_memory) << c.text;
  }
  EXPECT_EQ(MakeStore(*ParseLunSpec("file:/nowhere/at/all")).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(LunSpecTest, FilesAreOpenedAsItSays) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = absl::StrCat(folder == nullptr ? "/tmp" : folder, "/as", getpid());
  std::ofstream(path) << std::string(1024, 'x');
  const auto make = [&path](const char* options, uint32_t block_size) {
    return MakeStore(*ParseLunSpec(absl::StrCat("file:", path, options)), block_size);
  };
  EXPECT_FALSE((*make("", 512))->read_only());
  EXPECT_TRUE((*make(",ro", 512))->read_only());
  EXPECT_EQ(make("", 4096).status().code(), absl::StatusCode::kInvalidArgument);
  std::remove(path.c_str());
}

TEST(LunSpecTest, SaysWhatIsNoOptionOfAFile) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = absl::StrCat(folder == nullptr ? "/tmp" : folder, "/lun", getpid());
  std::ofstream(path) << std::string(512, 'x');
  std::ofstream(path + ",odd") << std::string(512, 'x');
  const auto message = [&path](const std::string& rest) {
    const auto store = MakeStore(*ParseLunSpec(absl::StrCat("file:", path, rest)));
    return store.ok() ? "" : std::string(store.status().message());
  };
  EXPECT_EQ(message(",rw"), absl::StrCat("file '", path,
                                         "' has no option ',rw': there are "
                                         "',direct', and ',ro' for reading only"));
  EXPECT_NE(message(",ro,direct,rw").find("has no option ',rw'"), std::string::npos);
  EXPECT_NE(message(",rw,ro").find("has no option ',rw'"), std::string::npos);
  EXPECT_NE(message("x,rw").find("x,rw' does not exist"), std::string::npos);
  EXPECT_NE(message("x,rw").find("(',rw' is taken for a part of its name: options are"),
            std::string::npos);
  EXPECT_EQ(message(",odd,ro"), "");
  EXPECT_EQ(message("x").find("option"), std::string::npos);
  std::remove((path + ",odd").c_str());
  std::remove(path.c_str());
}

}  // namespace
}  // namespace pushpull::target
