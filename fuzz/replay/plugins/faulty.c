/* Dies, hangs or breaks the ABI, each in the way that its option names, so that the host can be
 * seen to stand it. It does so where a delivery has a cut inside the first BHS, or is pushed; else
 * it is a receiver that tells of each read, and no more.
 *
 *   crash      writes to address 0              abort      calls abort()
 *   hang       loops for ever                   exit       calls exit(0)
 *   garbage    fills all shared memory          replies    says that nothing came of it, in memory
 *   flood      tells of events for ever         chatter    prints, and crashes
 *   bad_event  an event that doesn't exist      bad_recv   asks for no bytes
 *   repost     gives back a buffer twice        keep       gives none back
 *   children   leaves a child, and is killed    unsupported, broken: what open() says
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/replay/receiver_plugin.h"

enum { BHS_BYTES = 48 };

struct receiver {
  const struct pushpull_host *host;
  char option[32];
  uint64_t bytes;
};

static int open_receiver(const struct pushpull_open *open, void **receiver) {
  struct receiver *rx = calloc(1, sizeof(*rx));
  if (rx == NULL) return PUSHPULL_BROKEN;
  rx->host = open->host;
  strncpy(rx->option, open->options, sizeof(rx->option) - 1);
  if (strcmp(rx->option, "unsupported") == 0 || strcmp(rx->option, "broken") == 0) {
    open->host->note(open->host->context, "not on a Sunday");
    free(rx);
    return strcmp(open->options, "broken") == 0 ? PUSHPULL_BROKEN : PUSHPULL_UNSUPPORTED;
  }
  *receiver = rx;
  return PUSHPULL_OK;
}

static void tell(struct receiver *rx, uint32_t kind, const uint8_t *data, size_t bytes) {
  struct pushpull_event event;
  memset(&event, 0, sizeof(event));
  event.struct_size = sizeof(event);
  event.kind = kind;
  event.data = data;
  event.data_bytes = bytes;
  rx->host->event(rx->host->context, &event);
}

/* Whatever the process shares with another: only the host's channel. */
static void fill_shared_memory(int value) {
  char line[512];
  FILE *maps = fopen("/proc/self/maps", "r");
  while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
    unsigned long begin = 0;
    unsigned long end = 0;
    char mode[8] = "";
    if (sscanf(line, "%lx-%lx %7s", &begin, &end, mode) != 3) continue;
    /* The channel's beginning is enough; all of it may be more than there is memory. */
    if (strcmp(mode, "rw-s") != 0) continue;
    if (end - begin > 1 << 16) end = begin + (1 << 16);
    memset((void *)(uintptr_t)begin, value, end - begin);
  }
  if (maps != NULL) fclose(maps);
}

static void misbehave(struct receiver *rx) {
  const char *how = rx->option;
  uint8_t byte = 0;
  if (strcmp(how, "crash") == 0) *(volatile int *)(uintptr_t)rx->host->struct_size = 0;
  if (strcmp(how, "abort") == 0) abort();
  if (strcmp(how, "exit") == 0) exit(0);
  if (strcmp(how, "garbage") == 0) {
    fill_shared_memory(0xa5);
    for (;;) pause();
  }
  if (strcmp(how, "replies") == 0) fill_shared_memory(0);
  if (strcmp(how, "bad_event") == 0) tell(rx, 9, NULL, 0);
  if (strcmp(how, "bad_recv") == 0) rx->host->recv(rx->host->context, &byte, 0);
  if (strcmp(how, "children") == 0 && fork() == 0) {
    for (;;) pause();
  }
  if (strcmp(how, "children") == 0) raise(SIGKILL);
  if (strcmp(how, "chatter") == 0) {
    int i;
    for (i = 0; i < 20000; ++i) printf("line %d\n", i);
    printf("last words\n");
    fflush(stdout);
    raise(SIGSEGV);
  }
  while (strcmp(how, "flood") == 0) tell(rx, PUSHPULL_EVENT_PDU, &byte, 1);
  while (strcmp(how, "hang") == 0) {
    *(volatile uint8_t *)&byte = 1;
  }
}

static int poll_receiver(void *receiver) {
  struct receiver *rx = receiver;
  uint8_t buffer[4096];
  int64_t n = 0;
  while ((n = rx->host->recv(rx->host->context, buffer, sizeof(buffer))) > 0) {
    if (rx->bytes == 0 && n < BHS_BYTES) misbehave(rx);
    rx->bytes += (uint64_t)n;
    tell(rx, PUSHPULL_EVENT_DATA, buffer, (size_t)n);
  }
  if (n == PUSHPULL_END) tell(rx, PUSHPULL_EVENT_END, NULL, 0);
  return PUSHPULL_OK;
}

static int push_to_receiver(void *receiver, uint8_t *buffer, size_t bytes, uint64_t buffer_id) {
  struct receiver *rx = receiver;
  tell(rx, PUSHPULL_EVENT_DATA, buffer, bytes);
  if (strcmp(rx->option, "keep") == 0) return PUSHPULL_OK;
  misbehave(rx);
  rx->host->repost(rx->host->context, buffer_id);
  if (strcmp(rx->option, "repost") == 0) rx->host->repost(rx->host->context, buffer_id);
  return PUSHPULL_OK;
}

static void close_receiver(void *receiver) { free(receiver); }

static const struct pushpull_receiver kReceiver = {
    .abi_version = PUSHPULL_RECEIVER_ABI_VERSION,
    .struct_size = sizeof(struct pushpull_receiver),
    .name = "faulty",
    .capabilities = PUSHPULL_CAP_PULL | PUSHPULL_CAP_PUSH | PUSHPULL_CAP_TO_TARGET,
    .open = open_receiver,
    .poll = poll_receiver,
    .push = push_to_receiver,
    .close = close_receiver,
};

const struct pushpull_receiver *PUSHPULL_RECEIVER_ENTRY(uint32_t host_abi_version) {
#if defined(FAULTY_LOAD_CRASH)
  abort();
#elif defined(FAULTY_LOAD_OLD)
  static struct pushpull_receiver old;
  old = kReceiver;
  old.abi_version = host_abi_version + 1;
  return &old;
#elif defined(FAULTY_LOAD_NULL)
  (void)host_abi_version;
  return NULL;
#endif
  return host_abi_version == PUSHPULL_RECEIVER_ABI_VERSION ? &kReceiver : NULL;
}
