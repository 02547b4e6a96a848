/* Bring your own receiver: the C ABI between Pushpull's replay and a receive path under test.
 *
 * A plug-in is a shared object that exports one function, PUSHPULL_RECEIVER_ENTRY, which returns a
 * table of functions. `pushpull replay --plugin LIB.so[,OPTIONS]` loads it in a child process,
 * plays one trace under thousands of deliveries (the same bytes, cut otherwise), and compares what
 * the plug-in tells of each with what it told of the others. A crash, a hang or a difference is a
 * finding. docs/PLUGINS.md has a whole plug-in in C.
 *
 * This header is plain C99 (and C++) and includes nothing but <stddef.h> and <stdint.h>.
 *
 * ---- Order of calls -----------------------------------------------------------------------------
 *
 *   entry()                          once, after loading
 *   for each delivery, one after another:
 *     open()                         a fresh receiver
 *     stimulus() ...                 where PUSHPULL_CAP_STIMULUS is set: once for each request
 *     poll(), or push() ... poll()   until everything was delivered, at least once
 *     close()                        always, if open() gave a receiver
 *
 * All calls come from one thread, never one inside another; a host callback calls nothing in the
 * plug-in. Callbacks may be called from open() to the return of close(), on the thread that is in
 * the call; not from signal handlers or other threads. A plug-in that has threads of its own hands
 * over to the one that is in poll().
 *
 * Nothing may depend on time, on addresses, or on the deliveries before: the same bytes are to give
 * the same events.
 *
 * ---- Ownership ----------------------------------------------------------------------------------
 *
 *   the table that entry() returns     the plug-in's; stays as it is until the process ends
 *   struct pushpull_open, what it      the host's; valid until open() returns, except `host`
 *   points to
 *   struct pushpull_host               the host's; valid until close() returns
 *   what open() returns                the plug-in's; given back by close(), which frees it
 *   recv()'s buffer                    the plug-in's; the host writes into it during the call
 *   struct pushpull_event, what it     the plug-in's; the host copies it during the call
 *   points to
 *   struct pushpull_request and        the host's; valid until stimulus() returns
 *   struct pushpull_chosen
 *   a pushed buffer                    the plug-in's to read and write from push() to repost() or
 *                                      to the return of close(); its memory stays the host's
 *
 * ---- Versions -----------------------------------------------------------------------------------
 *
 * PUSHPULL_RECEIVER_ABI_VERSION changes only when something that stands here changes its meaning or
 * its place; a host then refuses plug-ins of another version, and says so. Within one version:
 *   - Structs grow at their ends only. Each has its size as its writer knew it in `struct_size`
 *     (set it to sizeof): a reader looks at no field beyond it. A function that isn't there is the
 *     same as a null pointer.
 *   - New capability bits, parameter fields, event flags and functions may come. All are 0 where
 *     nobody knows of them, and 0 means "as before". So zero a struct before you fill it.
 *   - New event kinds, return values and directions are only used towards a side that said, by a
 *     capability bit or a call that is new too, that it knows them.
 */
#ifndef FUZZ_REPLAY_RECEIVER_PLUGIN_H_
#define FUZZ_REPLAY_RECEIVER_PLUGIN_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PUSHPULL_RECEIVER_ABI_VERSION 1u

/* The name of the entry function, as a token and as a string. */
#define PUSHPULL_RECEIVER_ENTRY pushpull_receiver_entry
#define PUSHPULL_RECEIVER_ENTRY_NAME "pushpull_receiver_entry"

#if defined(__GNUC__)
#define PUSHPULL_RECEIVER_EXPORT __attribute__((visibility("default")))
#else
#define PUSHPULL_RECEIVER_EXPORT
#endif

/* ---- What will be received ------------------------------------------------------------- */

/* pushpull_open.direction: who the bytes are sent to. */
#define PUSHPULL_TO_TARGET 1u    /* requests: what a target receives */
#define PUSHPULL_TO_INITIATOR 2u /* responses: what an initiator receives */

/* pushpull_open.phase: where the connection is before the first byte. */
#define PUSHPULL_PHASE_LOGIN 1u        /* the trace begins with its login */
#define PUSHPULL_PHASE_FULL_FEATURE 2u /* the login is over; its results are the parameters */

/* pushpull_open.transport: how this delivery is made. */
#define PUSHPULL_PULL 1u /* a byte stream, by recv() */
#define PUSHPULL_PUSH 2u /* whole PDUs, by push() */

/* What was negotiated (RFC 7143 section 13), for the direction that is received. */
struct pushpull_parameters {
  uint32_t struct_size;
  uint32_t header_digest;                /* 1: CRC32C, 0: None; of the full feature phase */
  uint32_t data_digest;                  /* 1: CRC32C, 0: None */
  uint32_t max_recv_data_segment_length; /* bytes; the receiver's own limit */
  uint32_t max_ahs_length;               /* bytes; the longest chain of AHSs it must take */
  uint32_t max_burst_length;             /* bytes */
  uint32_t first_burst_length;           /* bytes */
  uint32_t initial_r2t;                  /* 1: Yes */
  uint32_t immediate_data;               /* 1: Yes */
  /* PDUs at the beginning that belong to the login: they have no digests, whatever stands above
   * (RFC 7143 section 6.3). */
  uint32_t login_pdus;
};

/* ---- What the host offers -------------------------------------------------------------- */

/* recv()'s answers besides a count of bytes. */
#define PUSHPULL_END 0            /* the peer closed: no more will come, ask no more */
#define PUSHPULL_WOULD_BLOCK (-1) /* nothing now: return from poll(), which is called again */

struct pushpull_event;

struct pushpull_host {
  uint32_t struct_size;
  uint32_t abi_version;
  /* To be passed to each function below. */
  void *context;

  /* As recv(2) on a non-blocking socket: up to `size` bytes of the stream into `buffer`. `size`
   * must not be 0. Returns how many were written (1 to `size`), PUSHPULL_END or
   * PUSHPULL_WOULD_BLOCK. How many come is what the delivery decides, and what a receiver must not
   * depend on. PUSHPULL_PUSH deliveries have no stream: PUSHPULL_WOULD_BLOCK as long as messages
   * are to come, then PUSHPULL_END. */
  int64_t (*recv)(void *context, void *buffer, size_t size);

  /* What the receiver would send to its peer. Always takes all and returns `size`. It is counted
   * and forgotten: when a receiver sends may depend on the delivery, and nobody answers. */
  int64_t (*send)(void *context, const void *bytes, size_t size);

  /* The receiver saw something: what is compared. Copies all that the event points to. */
  void (*event)(void *context, const struct pushpull_event *event);

  /* The pushed buffer `buffer_id` is no longer looked at and may be posted again. It is overwritten
   * at once. Each pushed buffer is reposted once, in any order; those that weren't come back with
   * close(). A receiver that keeps them all gets no more. */
  void (*repost)(void *context, uint64_t buffer_id);

  /* A line of text for the human who reads a finding: why open() or poll() failed. Not compared. */
  void (*note)(void *context, const char *text);
};

struct pushpull_open {
  uint32_t struct_size;
  uint32_t direction; /* PUSHPULL_TO_... */
  uint32_t phase;     /* PUSHPULL_PHASE_... */
  uint32_t transport; /* PUSHPULL_PULL or PUSHPULL_PUSH */
  const struct pushpull_parameters *parameters;
  const struct pushpull_host *host;
  /* What stood behind the first comma of --plugin, "" for nothing. */
  const char *options;
  /* PUSHPULL_PUSH: how many buffers are posted. At most so many are the plug-in's at once. */
  uint32_t posted_buffers;
  /* The first StatSN that the trace's PDUs carry, for a receiver that logs in by itself first;
   * 0 where there is none. */
  uint32_t first_stat_sn;
};

/* ---- What the plug-in tells ------------------------------------------------------------ */

/* pushpull_event.kind */
#define PUSHPULL_EVENT_PDU 1u   /* a PDU is complete */
#define PUSHPULL_EVENT_ERROR 2u /* the peer broke the protocol */
#define PUSHPULL_EVENT_END 3u   /* the receiver saw the end of the stream */
#define PUSHPULL_EVENT_DATA 4u  /* a piece of the data of the PDU whose event comes next */

/* pushpull_event.flags */
#define PUSHPULL_FLAG_DATA_DISCARDED UINT32_C(1) /* PDU: its data was taken, and kept nowhere */
#define PUSHPULL_FLAG_DATA_DIGEST_FAILED                                                  \
  UINT32_C(2)                                /* PDU: complete, but its data isn't as sent \
                                              */
#define PUSHPULL_FLAG_INSIDE_PDU UINT32_C(4) /* END: inside a PDU */
#define PUSHPULL_FLAG_FATAL UINT32_C(8)      /* ERROR: nothing is received behind it */

/* Zero it, set struct_size and kind, and fill what the receiver knows. Everything but struct_size
 * is compared, byte by byte (but see PUSHPULL_CAP_EVENTS_DATA_ONLY), so no pointers, times or
 * sequence numbers of your own in `text`. */
struct pushpull_event {
  uint32_t struct_size;
  uint32_t kind;  /* PUSHPULL_EVENT_... */
  uint32_t flags; /* PUSHPULL_FLAG_... */
  /* ERROR: any number by which the receiver tells its errors apart. */
  uint32_t code;
  /* PDU: the basic header segment, 48 bytes, as it came; 0 bytes where the receiver doesn't show
   * it. */
  const uint8_t *bhs;
  size_t bhs_bytes;
  /* PDU: all its AHSs, one behind the other, with their padding and without the digest. */
  const uint8_t *ahs;
  size_t ahs_bytes;
  /* PDU: the data segment without pad, and behind what EVENT_DATA told before. DATA: the piece; how
   * data is divided into pieces isn't compared. */
  const uint8_t *data;
  size_t data_bytes;
  /* Whatever else the receiver tells ("status 2, residual underflow 512"); null for none. */
  const char *text;
};

/* ---- What must be asked first ---------------------------------------------------------- */

/* A request whose response is in the trace. A receiver that takes responses only to requests which
 * it sent makes it, and says what it chose: the host writes that into the trace's PDUs (and
 * mends their digests), and the trace's own numbers back into the `bhs` of events. */
struct pushpull_request {
  uint32_t struct_size;
  uint32_t opcode;             /* RFC 7143 section 11.2.1.2; 0x01: SCSI Command */
  uint32_t initiator_task_tag; /* as the trace has it: use it in events, never the chosen one */
  uint32_t read;               /* SCSI Command: 1 where Data-In is due */
  uint32_t write;              /* SCSI Command: 1 where Data-Out is due */
  uint32_t expected_data_transfer_length; /* bytes */
  uint64_t lun;                           /* the field's eight bytes as a number */
};

struct pushpull_chosen {
  uint32_t struct_size; /* as the host knows it */
  /* The Initiator Task Tag of the request: for the PDUs that answer it. */
  uint32_t initiator_task_tag;
  /* 1: next_cmd_sn says which CmdSN the receiver's next request would have. The last request's
   * counts: no PDU of the trace then has an ExpCmdSN behind it, and the MaxCmdSNs keep their
   * distance. 0: these stay as the trace has them. */
  uint32_t has_next_cmd_sn;
  uint32_t next_cmd_sn;
};

/* ---- The plug-in ----------------------------------------------------------------------- */

/* pushpull_receiver.capabilities */
#define PUSHPULL_CAP_PULL UINT64_C(1)           /* takes PUSHPULL_PULL */
#define PUSHPULL_CAP_PUSH UINT64_C(2)           /* takes PUSHPULL_PUSH; push() is there */
#define PUSHPULL_CAP_TO_TARGET UINT64_C(4)      /* takes PUSHPULL_TO_TARGET */
#define PUSHPULL_CAP_TO_INITIATOR UINT64_C(8)   /* takes PUSHPULL_TO_INITIATOR */
#define PUSHPULL_CAP_HEADER_DIGEST UINT64_C(16) /* takes HeaderDigest=CRC32C */
#define PUSHPULL_CAP_DATA_DIGEST UINT64_C(32)   /* takes DataDigest=CRC32C */
#define PUSHPULL_CAP_LOGIN UINT64_C(64)         /* takes PUSHPULL_PHASE_LOGIN */
#define PUSHPULL_CAP_AHS UINT64_C(128)          /* takes AHSs and shows them in its events */
#define PUSHPULL_CAP_STIMULUS UINT64_C(256)     /* wants stimulus() */
/* Its events follow the order and number of PDUs as it likes: only the data of all of them, put
 * together, and whether there were an error and an end, are compared. */
#define PUSHPULL_CAP_EVENTS_DATA_ONLY UINT64_C(512)

/* Results of open(), stimulus(), push() and poll(). */
#define PUSHPULL_OK 0
#define PUSHPULL_DONE 1 /* poll(), push(): takes no more; the rest isn't delivered */
#define PUSHPULL_UNSUPPORTED \
  (-1)                       /* open(), stimulus(): not this trace; it is skipped, with note() */
#define PUSHPULL_BROKEN (-2) /* the plug-in can't go on, by no fault of the bytes; see note() */

struct pushpull_receiver {
  uint32_t abi_version; /* PUSHPULL_RECEIVER_ABI_VERSION */
  uint32_t struct_size;
  const char *name; /* for tables: "libiscsi 1.19.0" */
  uint64_t capabilities;

  /* Makes a receiver and stores it in *receiver, which comes in null. Where it returns other than
   * PUSHPULL_OK it has freed what it made, and close() isn't called. */
  int (*open)(const struct pushpull_open *open, void **receiver);

  /* More may be there, or nothing: calls host->recv() as often as it likes, best until it says
   * PUSHPULL_WOULD_BLOCK, and host->event() for all that it knows now. Where bytes are left it is
   * called again as long as it takes some; else when more came. After recv() said PUSHPULL_END, or
   * an event had PUSHPULL_FLAG_FATAL, it isn't called again. */
  int (*poll)(void *receiver);

  /* With PUSHPULL_CAP_PUSH, else null. A message came into a posted buffer: `bytes` bytes at
   * `buffer`, one whole PDU from its BHS to its pad, without digests and transport header (iSER's
   * own 28 bytes are taken off). Several of them may come before the poll() in which they are
   * received, as several completions come in one poll of a queue. `buffer` has no alignment; what
   * lies behind its last byte can't be read. */
  int (*push)(void *receiver, uint8_t *buffer, size_t bytes, uint64_t buffer_id);

  /* With PUSHPULL_CAP_STIMULUS, else null. Makes the receiver send the request, and fills *chosen,
   * which comes in zeroed. */
  int (*stimulus)(void *receiver, const struct pushpull_request *request,
                  struct pushpull_chosen *chosen);

  /* Ends the receiver, which need not have come to an end. */
  void (*close)(void *receiver);
};

/* The one function that a plug-in exports:
 *
 *   PUSHPULL_RECEIVER_EXPORT
 *   const struct pushpull_receiver *PUSHPULL_RECEIVER_ENTRY(uint32_t host_abi_version);
 *
 * A plug-in that knows several versions returns the table of the one that is asked for; one that
 * doesn't know it returns null. */
typedef const struct pushpull_receiver *(*pushpull_receiver_entry_function)(
    uint32_t host_abi_version);

PUSHPULL_RECEIVER_EXPORT const struct pushpull_receiver *PUSHPULL_RECEIVER_ENTRY(
    uint32_t host_abi_version);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* FUZZ_REPLAY_RECEIVER_PLUGIN_H_ */
