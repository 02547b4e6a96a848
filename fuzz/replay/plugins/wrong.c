/* A small receiver of the usual kind, which is wrong in one of six ways where its option says so.
 * Each way has been seen in real code, and each passes every test that sends one PDU at a time.
 *
 *   ahs_cut          loses the AHS where a cut falls inside it
 *   pad_as_data      takes pad as data where a cut fell inside the data
 *   digest_forgotten forgets the bytes of a header digest that came before poll() returned
 *   mixed            shows the header of a buffer's last PDU for each PDU that ended in the buffer
 *   overread         looks for a next PDU 48 bytes beyond what was pushed
 *   empty_data_tail  drops what stands behind a PDU without data in the same buffer
 *
 * Without an option it is right. It takes either direction, and doesn't check digests.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/replay/receiver_plugin.h"

enum fault { NONE, AHS_CUT, PAD_AS_DATA, DIGEST_FORGOTTEN, MIXED, OVERREAD, EMPTY_DATA_TAIL };
enum state { IN_BHS, IN_AHS, IN_HEADER_DIGEST, IN_DATA, IN_PAD, IN_DATA_DIGEST };
enum { BHS_BYTES = 48, DIGEST_BYTES = 4, MAX_AHS_BYTES = 255 * 4, MAX_PENDING = 64 };
enum { TOO_LONG = 1 };

static const char *const kFaultNames[] = {"",      "ahs_cut",  "pad_as_data",    "digest_forgotten",
                                          "mixed", "overread", "empty_data_tail"};

/* A PDU that is complete, and told at the end of the buffer in which it ended. */
struct pending {
  uint8_t bhs[BHS_BYTES];
  uint8_t *ahs;
  size_t ahs_bytes;
  uint8_t *data;
  size_t data_bytes;
};

struct receiver {
  const struct pushpull_host *host;
  enum fault fault;
  int header_digest;
  int data_digest;
  size_t max_data;
  int done;

  enum state state;
  size_t have; /* bytes of the current part */
  uint8_t bhs[BHS_BYTES];
  uint8_t ahs[MAX_AHS_BYTES];
  size_t ahs_bytes;
  size_t ahs_kept;
  uint8_t *data;
  size_t data_bytes;
  size_t data_room; /* data_bytes, and room for pad */

  struct pending pending[MAX_PENDING];
  size_t pendings;
};

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }
static size_t pad_of(size_t bytes) { return (4 - bytes % 4) % 4; }

static int open_receiver(const struct pushpull_open *open, void **receiver) {
  struct receiver *rx;
  size_t i;
  size_t fault = sizeof(kFaultNames) / sizeof(kFaultNames[0]);
  for (i = 0; i < sizeof(kFaultNames) / sizeof(kFaultNames[0]); ++i) {
    if (strcmp(open->options, kFaultNames[i]) == 0) fault = i;
  }
  if (fault == sizeof(kFaultNames) / sizeof(kFaultNames[0])) {
    open->host->note(open->host->context,
                     "the option is one of ahs_cut, pad_as_data, digest_forgotten, mixed, "
                     "overread, empty_data_tail, or nothing");
    return PUSHPULL_BROKEN;
  }
  rx = calloc(1, sizeof(*rx));
  if (rx == NULL) return PUSHPULL_BROKEN;
  rx->host = open->host;
  rx->fault = (enum fault)fault;
  rx->header_digest = open->parameters->header_digest != 0;
  rx->data_digest = open->parameters->data_digest != 0;
  rx->max_data = open->parameters->max_recv_data_segment_length;
  *receiver = rx;
  return PUSHPULL_OK;
}

/* Tells of the PDUs that ended in the buffer that was read last. */
static void tell(struct receiver *rx) {
  size_t i;
  for (i = 0; i < rx->pendings; ++i) {
    struct pending *pdu = &rx->pending[i];
    struct pushpull_event event;
    memset(&event, 0, sizeof(event));
    event.struct_size = sizeof(event);
    event.kind = PUSHPULL_EVENT_PDU;
    event.bhs = rx->fault == MIXED ? rx->pending[rx->pendings - 1].bhs : pdu->bhs;
    event.bhs_bytes = BHS_BYTES;
    event.ahs = pdu->ahs;
    event.ahs_bytes = pdu->ahs_bytes;
    event.data = pdu->data;
    event.data_bytes = pdu->data_bytes;
    rx->host->event(rx->host->context, &event);
    free(pdu->ahs);
    free(pdu->data);
  }
  rx->pendings = 0;
}

static int complete(struct receiver *rx) {
  struct pending *pdu = &rx->pending[rx->pendings++];
  memcpy(pdu->bhs, rx->bhs, BHS_BYTES);
  pdu->ahs = NULL;
  pdu->ahs_bytes = rx->ahs_kept;
  if (rx->ahs_kept > 0) {
    pdu->ahs = malloc(rx->ahs_kept);
    if (pdu->ahs == NULL) return PUSHPULL_BROKEN;
    memcpy(pdu->ahs, rx->ahs, rx->ahs_kept);
  }
  pdu->data = rx->data;
  pdu->data_bytes = rx->data_bytes;
  rx->data = NULL;
  rx->data_bytes = 0;
  rx->state = IN_BHS;
  rx->have = 0;
  if (rx->pendings == MAX_PENDING) tell(rx);
  return PUSHPULL_OK;
}

static void tell_error(struct receiver *rx, uint32_t code) {
  struct pushpull_event event;
  tell(rx);
  memset(&event, 0, sizeof(event));
  event.struct_size = sizeof(event);
  event.kind = PUSHPULL_EVENT_ERROR;
  event.flags = PUSHPULL_FLAG_FATAL;
  event.code = code;
  rx->host->event(rx->host->context, &event);
  rx->done = 1;
}

static void tell_end(struct receiver *rx) {
  struct pushpull_event event;
  memset(&event, 0, sizeof(event));
  event.struct_size = sizeof(event);
  event.kind = PUSHPULL_EVENT_END;
  if (rx->state != IN_BHS || rx->have > 0) event.flags = PUSHPULL_FLAG_INSIDE_PDU;
  rx->host->event(rx->host->context, &event);
  rx->done = 1;
}

/* The parts of a PDU that have no bytes are passed over. */
static int next_state(struct receiver *rx, enum state state) {
  rx->have = 0;
  rx->state = state;
  if (rx->state == IN_AHS && rx->ahs_bytes == 0) rx->state = IN_HEADER_DIGEST;
  if (rx->state == IN_HEADER_DIGEST && !rx->header_digest) rx->state = IN_DATA;
  if (rx->state == IN_DATA && rx->data_bytes == 0) return complete(rx);
  if (rx->state == IN_PAD && pad_of(rx->data_bytes) == 0) rx->state = IN_DATA_DIGEST;
  if (rx->state == IN_DATA_DIGEST && !rx->data_digest) return complete(rx);
  return PUSHPULL_OK;
}

static int take_bhs(struct receiver *rx) {
  rx->ahs_bytes = (size_t)rx->bhs[4] * 4;
  rx->ahs_kept = 0;
  rx->data_bytes = (size_t)rx->bhs[5] << 16 | (size_t)rx->bhs[6] << 8 | rx->bhs[7];
  if (rx->data_bytes > rx->max_data) {
    tell_error(rx, TOO_LONG);
    return PUSHPULL_OK;
  }
  rx->data_room = rx->data_bytes + pad_of(rx->data_bytes);
  if (rx->data_bytes > 0) {
    rx->data = malloc(rx->data_room);
    if (rx->data == NULL) return PUSHPULL_BROKEN;
  }
  return next_state(rx, IN_AHS);
}

/* Takes what it can of `bytes`, sets *taken, and goes to the next part when this one is there. */
static int take(struct receiver *rx, const uint8_t *bytes, size_t size, size_t *taken) {
  size_t part;
  size_t n;
  switch (rx->state) {
    case IN_BHS:
      n = smaller(size, BHS_BYTES - rx->have);
      memcpy(rx->bhs + rx->have, bytes, n);
      *taken = n;
      rx->have += n;
      return rx->have == BHS_BYTES ? take_bhs(rx) : PUSHPULL_OK;
    case IN_AHS:
      n = smaller(size, rx->ahs_bytes - rx->have);
      *taken = n;
      memcpy(rx->ahs + rx->have, bytes, n);
      rx->have += n;
      if (rx->fault == AHS_CUT) {
        /* Keeps it only where it came in one piece. */
        if (n == rx->ahs_bytes) rx->ahs_kept = n;
      } else {
        rx->ahs_kept = rx->have;
      }
      return rx->have == rx->ahs_bytes ? next_state(rx, IN_HEADER_DIGEST) : PUSHPULL_OK;
    case IN_DATA:
      part = rx->data_bytes;
      /* Going on behind a cut, it counts in padded lengths. */
      if (rx->fault == PAD_AS_DATA && rx->have > 0) part = rx->data_room;
      n = smaller(size, part - rx->have);
      memcpy(rx->data + rx->have, bytes, n);
      *taken = n;
      rx->have += n;
      if (rx->have < part) return PUSHPULL_OK;
      if (part == rx->data_bytes) return next_state(rx, IN_PAD);
      rx->data_bytes = part;
      return next_state(rx, IN_DATA_DIGEST);
    case IN_HEADER_DIGEST:
    case IN_PAD:
    case IN_DATA_DIGEST:
      part = rx->state == IN_PAD ? pad_of(rx->data_bytes) : (size_t)DIGEST_BYTES;
      n = smaller(size, part - rx->have);
      *taken = n;
      rx->have += n;
      if (rx->have < part) return PUSHPULL_OK;
      if (rx->state == IN_HEADER_DIGEST) return next_state(rx, IN_DATA);
      return rx->state == IN_PAD ? next_state(rx, IN_DATA_DIGEST) : complete(rx);
  }
  return PUSHPULL_BROKEN;
}

/* One buffer, as it was read or pushed. */
static int take_buffer(struct receiver *rx, const uint8_t *bytes, size_t size) {
  while (size > 0 && !rx->done) {
    size_t taken = 0;
    const size_t before = rx->pendings;
    const int result = take(rx, bytes, size, &taken);
    if (result != PUSHPULL_OK) return result;
    bytes += taken;
    size -= taken;
    if (rx->fault == EMPTY_DATA_TAIL && rx->pendings > before &&
        rx->pending[before].data_bytes == 0) {
      break; /* should have gone on */
    }
  }
  tell(rx);
  return PUSHPULL_OK;
}

static int poll_receiver(void *receiver) {
  struct receiver *rx = receiver;
  uint8_t buffer[4096];
  while (!rx->done) {
    int result;
    const int64_t n = rx->host->recv(rx->host->context, buffer, sizeof(buffer));
    if (n == PUSHPULL_END) {
      tell_end(rx);
      break;
    }
    if (n < 0) break;
    result = take_buffer(rx, buffer, (size_t)n);
    if (result != PUSHPULL_OK) return result;
  }
  if (rx->fault == DIGEST_FORGOTTEN && rx->state == IN_HEADER_DIGEST) rx->have = 0;
  return rx->done ? PUSHPULL_DONE : PUSHPULL_OK;
}

static int push_to_receiver(void *receiver, uint8_t *buffer, size_t bytes, uint64_t buffer_id) {
  struct receiver *rx = receiver;
  int result = PUSHPULL_OK;
  if (rx->fault == OVERREAD) {
    /* Is there one more behind it? */
    uint8_t next[BHS_BYTES];
    memcpy(next, buffer + bytes, BHS_BYTES);
    if ((next[0] & 0x3f) == 0x3f) rx->host->note(rx->host->context, "a Reject comes next");
  }
  if (!rx->done) result = take_buffer(rx, buffer, bytes);
  rx->host->repost(rx->host->context, buffer_id);
  return result != PUSHPULL_OK ? result : rx->done ? PUSHPULL_DONE : PUSHPULL_OK;
}

static void close_receiver(void *receiver) {
  struct receiver *rx = receiver;
  size_t i;
  for (i = 0; i < rx->pendings; ++i) {
    free(rx->pending[i].ahs);
    free(rx->pending[i].data);
  }
  free(rx->data);
  free(rx);
}

static const struct pushpull_receiver kReceiver = {
    .abi_version = PUSHPULL_RECEIVER_ABI_VERSION,
    .struct_size = sizeof(struct pushpull_receiver),
    .name = "wrong",
    .capabilities = PUSHPULL_CAP_PULL | PUSHPULL_CAP_PUSH | PUSHPULL_CAP_TO_TARGET |
                    PUSHPULL_CAP_TO_INITIATOR | PUSHPULL_CAP_HEADER_DIGEST |
                    PUSHPULL_CAP_DATA_DIGEST | PUSHPULL_CAP_LOGIN | PUSHPULL_CAP_AHS,
    .open = open_receiver,
    .poll = poll_receiver,
    .push = push_to_receiver,
    .stimulus = NULL,
    .close = close_receiver,
};

const struct pushpull_receiver *PUSHPULL_RECEIVER_ENTRY(uint32_t host_abi_version) {
  return host_abi_version == PUSHPULL_RECEIVER_ABI_VERSION ? &kReceiver : NULL;
}
