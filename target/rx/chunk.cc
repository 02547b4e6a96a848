#include "target/rx/chunk.h"

namespace pushpull::target {

std::string_view ChunkName(Chunk chunk) {
  switch (chunk) {
    case Chunk::kBhs:
      return "bhs";
    case Chunk::kAhs:
      return "ahs";
    case Chunk::kHeaderDigest:
      return "header_digest";
    case Chunk::kData:
      return "data";
    case Chunk::kPad:
      return "pad";
    case Chunk::kDataDigest:
      return "data_digest";
  }
  return "?";
}

std::string_view RxStateName(RxState state) {
  switch (state) {
    case RxState::kBhs:
      return "bhs";
    case RxState::kAhs:
      return "ahs";
    case RxState::kHeaderDigest:
      return "header_digest";
    case RxState::kData:
      return "data";
    case RxState::kDataDigest:
      return "data_digest";
    case RxState::kComplete:
      return "complete";
    case RxState::kFailed:
      return "failed";
  }
  return "?";
}

}  // namespace pushpull::target
