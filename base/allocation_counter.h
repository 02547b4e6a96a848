// Counts what a test program allocates: linking this library replaces the program's operator new
// and delete. ThreadSanitizer has its own of these and tells of each allocation instead, those by
// malloc included.

#ifndef BASE_ALLOCATION_COUNTER_H_
#define BASE_ALLOCATION_COUNTER_H_

#include <cstdint>

namespace pushpull::base {

// Allocations by operator new that the calling thread has made so far.
int64_t ThreadAllocations();

// From now on the calling thread's allocations count for CountedAllocations() too, which any
// thread may ask.
void CountThisThread();
int64_t CountedAllocations();

// Bytes that all threads together have from operator new at this moment, as the heap rounds them.
int64_t LiveBytes();

}  // namespace pushpull::base

#endif  // BASE_ALLOCATION_COUNTER_H_
