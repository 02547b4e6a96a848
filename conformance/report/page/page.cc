#include "conformance/report/page/page.h"

#include <google/protobuf/io/gzip_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/check.h"
#include "base/status.h"
#include "base/text.h"
#include "conformance/report/page/page_files.h"
#include "conformance/report/result_folder.h"

namespace pushpull::conformance {
namespace {

std::string Zipped(const std::string& text) {
  std::string zipped;
  google::protobuf::io::StringOutputStream sink(&zipped);
  google::protobuf::io::GzipOutputStream gzip(&sink);
  void* data = nullptr;
  int size = 0;
  for (size_t done = 0; done < text.size(); done += static_cast<size_t>(size)) {
    CHECK(gzip.Next(&data, &size)) << "zlib failed: " << gzip.ZlibErrorCode();
    const size_t piece = std::min(text.size() - done, static_cast<size_t>(size));
    text.copy(static_cast<char*>(data), piece, done);
    if (piece < static_cast<size_t>(size)) {
      gzip.BackUp(size - static_cast<int>(piece));
      break;
    }
  }
  CHECK(gzip.Close()) << "zlib failed: " << gzip.ZlibErrorCode();
  return zipped;
}

// The embedded files whose names end so, one after the other.
std::string Files(std::string_view suffix) {
  std::string text;
  for (const base::EmbeddedFile& file : PageFiles()) {
    if (file.path.ends_with(suffix)) absl::StrAppend(&text, base::ToAbsl(file.contents));
  }
  CHECK(!text.empty()) << "no file *" << suffix;
  return text;
}

}  // namespace

absl::StatusOr<std::string> ToHtml(std::vector<v1::PageRun> runs, const Catalogue& catalogue) {
  v1::Page page;
  for (v1::PageRun& run : runs) *page.add_run() = std::move(run);
  for (const auto& [id, row] : catalogue.rows()) {
    if (row.side() == v1::TARGET_SIDE) *page.add_requirement() = row;
  }
  PUSHPULL_ASSIGN_OR_RETURN(const std::string json, ToJson(page));
  // In one pass: what is put in is not looked at again.
  return absl::StrReplaceAll(Files(".html"), {{"/* STYLE */", Files(".css")},
                                              {"/* SCRIPT */", Files(".js")},
                                              {"PAGE_DATA", absl::Base64Escape(Zipped(json))}});
}

}  // namespace pushpull::conformance
