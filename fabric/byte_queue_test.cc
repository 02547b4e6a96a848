#include "fabric/byte_queue.h"

#include <string>

#include "gtest/gtest.h"

namespace pushpull::fabric {
namespace {

void Append(ByteQueue* queue, std::string bytes) {
  const iovec one[] = {{bytes.data(), bytes.size()}};
  queue->Append(one, bytes.size());
}

std::string Take(ByteQueue* queue, size_t size) {
  std::string out(size, '?');
  const iovec one[] = {{out.data(), out.size()}};
  queue->Take(one, size);
  return out;
}

TEST(ByteQueueTest, GivesInOrderWhatWasPutIn) {
  ByteQueue queue;
  std::string a = "abc", b = "defg";
  const iovec two[] = {{a.data(), a.size()}, {b.data(), b.size()}};
  EXPECT_EQ(TotalSize(two), 7u);
  queue.Append(two, 5);
  EXPECT_EQ(queue.size(), 5u);
  std::string c(2, '?'), d(3, '?');
  const iovec into[] = {{c.data(), c.size()}, {d.data(), d.size()}};
  queue.Take(into, 4);
  EXPECT_EQ(c, "ab");
  EXPECT_EQ(d, "cd?");
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(Take(&queue, 1), "e");
  EXPECT_EQ(queue.size(), 0u);
}

// Whatever stands before them in memory.
TEST(ByteQueueTest, TruncatesByWhatIsThere) {
  ByteQueue queue;
  Append(&queue, "0123456789");
  EXPECT_EQ(Take(&queue, 2), "01");
  queue.Truncate(20);
  EXPECT_EQ(queue.size(), 8u);
  queue.Truncate(5);
  EXPECT_EQ(queue.size(), 5u);
  EXPECT_EQ(Take(&queue, 5), "23456");
}

TEST(ByteQueueTest, DropsFromTheFront) {
  ByteQueue queue;
  Append(&queue, "0123456789");
  queue.Drop(3);
  queue.Drop(4);
  Append(&queue, "ab");
  EXPECT_EQ(Take(&queue, 5), "789ab");
}

}  // namespace
}  // namespace pushpull::fabric
