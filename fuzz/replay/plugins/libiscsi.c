/* libiscsi, an initiator in user space, as a receiver of what a target sends.
 *
 * libiscsi reads from a socket of its own. It gets one end of a pair of them in the place of the
 * TCP connection that it believes to have made; what the host delivers is written into the other
 * end, delivery by delivery. The login before the trace is made up here. Its commands are what the
 * trace answers (stimulus()), and what it tells is what libiscsi's callbacks and log tell.
 *
 * Options: "iov" gives each read command a buffer of its own to read into, in pieces of 7 bytes;
 * "discovery" logs in to a discovery session, in which the Text Request is SendTargets.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/replay/receiver_plugin.h"

enum {
  BHS_BYTES = 48,
  CHUNK_BYTES = 65536,
  PIECE_BYTES = 7,
  MAX_TRANSFER_BYTES = 1 << 24,
  MAX_IDLE_ROUNDS = 100 /* in which libiscsi takes nothing of what is there */
};

struct receiver;

/* One request, until it is answered. */
struct asked {
  struct asked *next;
  struct receiver *rx;
  uint32_t tag; /* as the trace has it */
  const char *kind;
  uint8_t *buffer; /* of what is written, or read into pieces */
};

struct receiver {
  const struct pushpull_host *host;
  struct iscsi_context *iscsi;
  int peer; /* the other end of libiscsi's socket */
  int iov;
  int discovery;
  int header_digest;
  int connected;
  int logged_in;
  int lost;       /* libiscsi gave the connection up */
  int peer_ended; /* the host said so */
  int closing;
  int logging_out; /* libiscsi sends no request behind this */
  uint32_t first_stat_sn;
  struct asked *asked;
};

/* libiscsi's log has no place for a pointer of ours. */
static struct receiver *logging;

/* ---- What is told -----------------------------------------------------------------------------
 */

static void tell(struct receiver *rx, uint32_t kind, uint32_t flags, const uint8_t *data,
                 size_t data_bytes, const char *format, ...) {
  char text[512];
  struct pushpull_event event;
  va_list arguments;
  if (rx->closing) return;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  memset(&event, 0, sizeof(event));
  event.struct_size = sizeof(event);
  event.kind = kind;
  event.flags = flags;
  event.data = data;
  event.data_bytes = data_bytes;
  event.text = text;
  rx->host->event(rx->host->context, &event);
}

static int broken(struct receiver *rx, const char *what) {
  char text[512];
  snprintf(text, sizeof(text), "%s: %s", what,
           rx->iscsi != NULL ? iscsi_get_error(rx->iscsi) : strerror(errno));
  rx->host->note(rx->host->context, text);
  return PUSHPULL_BROKEN;
}

/* Async Messages have no callback; of these and of a lost connection only the log tells. */
static void on_log(int level, const char *message) {
  struct receiver *rx = logging;
  (void)level;
  if (rx == NULL || !rx->logged_in) return;
  if (strstr(message, "reconnect") != NULL) {
    rx->lost = 1;
  } else if (strstr(message, "target requests ") != NULL ||
             strstr(message, "target will drop ") != NULL || strstr(message, "AsyncMsg") != NULL ||
             strstr(message, "async event") != NULL) {
    tell(rx, PUSHPULL_EVENT_PDU, 0, NULL, 0, "log: %s", message);
  }
}

static const char *status_name(int status) {
  switch (status) {
    case SCSI_STATUS_CANCELLED:
      return "cancelled";
    case SCSI_STATUS_ERROR:
      return "error";
    default:
      return "status";
  }
}

static void on_scsi(struct iscsi_context *iscsi, int status, void *command_data,
                    void *private_data) {
  struct asked *asked = private_data;
  struct scsi_task *task = command_data;
  (void)iscsi;
  if (task == NULL) {
    tell(asked->rx, PUSHPULL_EVENT_PDU, 0, NULL, 0, "%s %u: %s", asked->kind, asked->tag,
         status_name(status));
    return;
  }
  {
    const uint8_t *data = task->datain.data;
    size_t bytes = task->datain.size > 0 ? (size_t)task->datain.size : 0;
    if (asked->rx->iov && task->xfer_dir == SCSI_XFER_READ &&
        status != SCSI_STATUS_CHECK_CONDITION) {
      data = asked->buffer;
      bytes = (size_t)task->expxferlen;
    }
    if (status == SCSI_STATUS_CANCELLED || status == SCSI_STATUS_ERROR) bytes = 0;
    tell(asked->rx, PUSHPULL_EVENT_PDU, 0, data, bytes,
         "%s %u: %s 0x%02x, residual %d of %lu, sense %02x/%02x/%04x", asked->kind, asked->tag,
         status_name(status), (unsigned)status & 0xffu, (int)task->residual_status,
         (unsigned long)task->residual, task->sense.error_type, (unsigned)task->sense.key,
         (unsigned)task->sense.ascq);
  }
  scsi_free_scsi_task(task);
}

static void on_nop(struct iscsi_context *iscsi, int status, void *command_data,
                   void *private_data) {
  struct asked *asked = private_data;
  const struct iscsi_data *data = command_data;
  (void)iscsi;
  tell(asked->rx, PUSHPULL_EVENT_PDU, 0, data != NULL ? data->data : NULL,
       data != NULL ? data->size : 0, "%s %u: %s %d", asked->kind, asked->tag, status_name(status),
       status == SCSI_STATUS_GOOD ? 0 : 1);
}

static void on_task_management(struct iscsi_context *iscsi, int status, void *command_data,
                               void *private_data) {
  struct asked *asked = private_data;
  (void)iscsi;
  tell(asked->rx, PUSHPULL_EVENT_PDU, 0, NULL, 0, "%s %u: %s, response %u", asked->kind, asked->tag,
       status_name(status), command_data != NULL ? *(const uint32_t *)command_data : 0);
}

static void on_logout(struct iscsi_context *iscsi, int status, void *command_data,
                      void *private_data) {
  struct asked *asked = private_data;
  (void)iscsi;
  (void)command_data;
  tell(asked->rx, PUSHPULL_EVENT_PDU, 0, NULL, 0, "%s %u: %s", asked->kind, asked->tag,
       status_name(status));
}

static void on_text(struct iscsi_context *iscsi, int status, void *command_data,
                    void *private_data) {
  struct asked *asked = private_data;
  const struct iscsi_discovery_address *address = command_data;
  (void)iscsi;
  tell(asked->rx, PUSHPULL_EVENT_PDU, 0, NULL, 0, "%s %u: %s", asked->kind, asked->tag,
       status_name(status));
  for (; status == SCSI_STATUS_GOOD && address != NULL; address = address->next) {
    const struct iscsi_target_portal *portal;
    tell(asked->rx, PUSHPULL_EVENT_PDU, 0, NULL, 0, "target %s", address->target_name);
    for (portal = address->portals; portal != NULL; portal = portal->next) {
      tell(asked->rx, PUSHPULL_EVENT_PDU, 0, NULL, 0, "portal %s", portal->portal);
    }
  }
}

/* ---- The socket -------------------------------------------------------------------------------
 */

/* Whom libiscsi connects to. Nobody accepts there: what it does is done before a word is said. */
static int listener_port(void) {
  static int port;
  struct sockaddr_in address;
  socklen_t size = sizeof(address);
  int fd;
  if (port != 0) return port;
  fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(fd, 1) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
    if (fd >= 0) close(fd);
    return 0;
  }
  port = ntohs(address.sin_port);
  return port;
}

static void on_connect(struct iscsi_context *iscsi, int status, void *command_data,
                       void *private_data) {
  struct receiver *rx = private_data;
  (void)iscsi;
  (void)command_data;
  rx->connected = status == SCSI_STATUS_GOOD;
}

static int connect_pair(struct receiver *rx) {
  const struct linger at_once = {1, 0};
  char portal[32];
  int pair[2];
  const int port = listener_port();
  if (port == 0) return broken(rx, "no port on 127.0.0.1 to connect libiscsi to");
  snprintf(portal, sizeof(portal), "127.0.0.1:%d", port);
  if (iscsi_connect_async(rx->iscsi, portal, on_connect, rx) != 0) {
    return broken(rx, "iscsi_connect_async");
  }
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
    return broken(rx, "socketpair");
  }
  /* No state is left behind in the kernel by thousands of these. */
  setsockopt(iscsi_get_fd(rx->iscsi), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  rx->peer = pair[1];
  if (dup2(pair[0], iscsi_get_fd(rx->iscsi)) < 0) {
    close(pair[0]);
    return broken(rx, "dup2");
  }
  close(pair[0]);
  iscsi_service(rx->iscsi, POLLOUT);
  return rx->connected ? PUSHPULL_OK : broken(rx, "libiscsi does not connect");
}

/* Lets libiscsi send what it wants to, and takes it. What is taken first is kept in `first`. */
static size_t flush(struct receiver *rx, uint8_t *first, size_t room) {
  uint8_t buffer[CHUNK_BYTES];
  size_t kept = 0;
  int rounds = 0;
  for (;;) {
    ssize_t n;
    if (!rx->lost && (iscsi_which_events(rx->iscsi) & POLLOUT) != 0 &&
        iscsi_service(rx->iscsi, POLLOUT) != 0) {
      rx->lost = 1;
    }
    n = recv(rx->peer, buffer, sizeof(buffer), 0);
    if (n > 0) {
      const size_t more = (size_t)n < room - kept ? (size_t)n : room - kept;
      if (more > 0) memcpy(first + kept, buffer, more);
      kept += more;
      rx->host->send(rx->host->context, buffer, (size_t)n);
      rounds = 0;
    } else if (rx->lost || (iscsi_which_events(rx->iscsi) & POLLOUT) == 0 ||
               ++rounds == MAX_IDLE_ROUNDS) {
      return kept;
    }
  }
}

/* Lets libiscsi read as long as there is something and it takes it. */
static int service(struct receiver *rx) {
  int left = 0;
  int before = 0;
  int idle = 0;
  while (!rx->lost && ioctl(iscsi_get_fd(rx->iscsi), FIONREAD, &left) == 0 && left > 0) {
    if (iscsi_service(rx->iscsi, POLLIN) != 0) rx->lost = 1;
    idle = left == before ? idle + 1 : 0;
    if (idle == MAX_IDLE_ROUNDS) return broken(rx, "libiscsi takes no more");
    before = left;
  }
  return PUSHPULL_OK;
}

/* ---- The login --------------------------------------------------------------------------------
 */

static uint32_t load32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store32(uint8_t *p, uint32_t value) {
  p[0] = (uint8_t)(value >> 24);
  p[1] = (uint8_t)(value >> 16);
  p[2] = (uint8_t)(value >> 8);
  p[3] = (uint8_t)value;
}

static void on_login(struct iscsi_context *iscsi, int status, void *command_data,
                     void *private_data) {
  struct receiver *rx = private_data;
  (void)iscsi;
  (void)command_data;
  rx->logged_in = status == SCSI_STATUS_GOOD;
}

/* One Login Response that agrees to everything and goes to the full feature phase. */
static int log_in(struct receiver *rx) {
  static const char kPlain[] = "HeaderDigest=None\0DataDigest=None";
  static const char kDigest[] = "HeaderDigest=CRC32C\0DataDigest=None";
  const char *keys = rx->header_digest ? kDigest : kPlain;
  const size_t keys_bytes = rx->header_digest ? sizeof(kDigest) : sizeof(kPlain);
  uint8_t request[BHS_BYTES];
  uint8_t response[BHS_BYTES + 64];
  const size_t bytes = BHS_BYTES + (keys_bytes + 3) / 4 * 4;
  srand(1); /* from which libiscsi takes its first tag and CmdSN */
  if (iscsi_login_async(rx->iscsi, on_login, rx) != 0) return broken(rx, "iscsi_login_async");
  if (flush(rx, request, sizeof(request)) < sizeof(request)) {
    return broken(rx, "libiscsi sends no Login Request");
  }
  memset(response, 0, sizeof(response));
  response[0] = 0x23;
  response[1] = 0x87; /* T, from operational negotiation to full feature phase */
  response[7] = (uint8_t)keys_bytes;
  memcpy(response + 8, request + 8, 6); /* ISID */
  response[15] = 1;                     /* TSIH */
  memcpy(response + 16, request + 16, 4);
  store32(response + 24, rx->first_stat_sn - 1);
  store32(response + 28, load32(request + 24));
  store32(response + 32, load32(request + 24) + 4096);
  memcpy(response + BHS_BYTES, keys, keys_bytes);
  if (write(rx->peer, response, bytes) != (ssize_t)bytes) return broken(rx, "write");
  if (service(rx) != PUSHPULL_OK) return PUSHPULL_BROKEN;
  return rx->logged_in ? PUSHPULL_OK : broken(rx, "libiscsi does not log in");
}

/* ---- The interface ----------------------------------------------------------------------------
 */

static void close_receiver(void *receiver) {
  struct receiver *rx = receiver;
  rx->closing = 1;
  if (rx->iscsi != NULL) iscsi_destroy_context(rx->iscsi); /* calls callbacks */
  if (rx->peer >= 0) close(rx->peer);
  while (rx->asked != NULL) {
    struct asked *next = rx->asked->next;
    free(rx->asked->buffer);
    free(rx->asked);
    rx->asked = next;
  }
  logging = NULL;
  free(rx);
}

static int start(struct receiver *rx) {
  int result;
  rx->iscsi = iscsi_create_context("iqn.2003-01.org.pushpull:receiver");
  if (rx->iscsi == NULL) return broken(rx, "iscsi_create_context");
  iscsi_set_log_level(rx->iscsi, 2);
  iscsi_set_log_fn(rx->iscsi, on_log);
  iscsi_set_noautoreconnect(rx->iscsi, 1);
  iscsi_set_targetname(rx->iscsi, "iqn.2003-01.org.pushpull:trace");
  iscsi_set_session_type(rx->iscsi, rx->discovery ? ISCSI_SESSION_DISCOVERY : ISCSI_SESSION_NORMAL);
  iscsi_set_header_digest(
      rx->iscsi, rx->header_digest ? ISCSI_HEADER_DIGEST_CRC32C : ISCSI_HEADER_DIGEST_NONE);
  result = connect_pair(rx);
  return result == PUSHPULL_OK ? log_in(rx) : result;
}

static int open_receiver(const struct pushpull_open *open, void **receiver) {
  int result;
  struct receiver *rx = calloc(1, sizeof(*rx));
  if (rx == NULL) return PUSHPULL_BROKEN;
  rx->host = open->host;
  rx->peer = -1;
  rx->iov = strstr(open->options, "iov") != NULL;
  rx->discovery = strstr(open->options, "discovery") != NULL;
  rx->header_digest = open->parameters->header_digest != 0;
  rx->first_stat_sn = open->first_stat_sn;
  logging = rx;
  result = start(rx);
  if (result != PUSHPULL_OK) {
    close_receiver(rx);
    return result;
  }
  *receiver = rx;
  return PUSHPULL_OK;
}

static int lun_of(uint64_t field) { return (int)(field >> 48 & 0x3fff); }

static int ask_scsi(struct receiver *rx, struct asked *asked,
                    const struct pushpull_request *request) {
  unsigned char cdb[16] = {0};
  const uint32_t bytes = request->expected_data_transfer_length;
  const int direction = request->read    ? SCSI_XFER_READ
                        : request->write ? SCSI_XFER_WRITE
                                         : SCSI_XFER_NONE;
  struct scsi_task *task;
  struct iscsi_data data;
  cdb[0] = request->read ? 0x88 : request->write ? 0x8a : 0x00; /* READ(16), WRITE(16), TUR */
  if (bytes > MAX_TRANSFER_BYTES) {
    rx->host->note(rx->host->context, "a transfer of more than 16 MiB");
    return PUSHPULL_UNSUPPORTED;
  }
  asked->buffer = calloc(1, bytes + 1);
  task = scsi_create_task(direction == SCSI_XFER_NONE ? 6 : 16, cdb, direction,
                          direction == SCSI_XFER_NONE ? 0 : (int)bytes);
  if (asked->buffer == NULL || task == NULL) return broken(rx, "scsi_create_task");
  if (rx->iov && direction == SCSI_XFER_READ) {
    uint32_t at;
    for (at = 0; at < bytes; at += PIECE_BYTES) {
      const uint32_t piece = bytes - at < PIECE_BYTES ? bytes - at : PIECE_BYTES;
      scsi_task_add_data_in_buffer(task, (int)piece, asked->buffer + at);
    }
  }
  data.size = bytes;
  data.data = asked->buffer;
  if (iscsi_scsi_command_async(rx->iscsi, lun_of(request->lun), task, on_scsi,
                               direction == SCSI_XFER_WRITE ? &data : NULL, asked) != 0) {
    scsi_free_scsi_task(task);
    return broken(rx, "iscsi_scsi_command_async");
  }
  return PUSHPULL_OK;
}

static int ask(struct receiver *rx, struct asked *asked, const struct pushpull_request *request) {
  static const char *const kKinds[] = {"nop",  "scsi", "task_management", "login",
                                       "text", "data", "logout"};
  const char *missing = NULL;
  int failed = 0;
  if (rx->logging_out) {
    rx->host->note(rx->host->context, "libiscsi sends no request behind a Logout Request");
    return PUSHPULL_UNSUPPORTED;
  }
  asked->kind = request->opcode < 7 ? kKinds[request->opcode] : "other";
  switch (request->opcode) {
    case 0x00:
      failed = iscsi_nop_out_async(rx->iscsi, on_nop, NULL, 0, asked);
      break;
    case 0x01:
      if (!rx->discovery) return ask_scsi(rx, asked, request);
      missing = "no SCSI command in a discovery session";
      break;
    case 0x02:
      failed = iscsi_task_mgmt_async(rx->iscsi, lun_of(request->lun), ISCSI_TM_LUN_RESET,
                                     0xffffffff, 0, on_task_management, asked);
      break;
    case 0x04:
      if (rx->discovery) {
        failed = iscsi_discovery_async(rx->iscsi, on_text, asked);
      } else {
        missing = "libiscsi sends text only in a discovery session: try the option discovery";
      }
      break;
    case 0x06:
      failed = iscsi_logout_async(rx->iscsi, on_logout, asked);
      rx->logging_out = 1;
      break;
    default:
      /* What libiscsi can't send: a Reject, or what else answers it, finds a task all the same. */
      failed = iscsi_nop_out_async(rx->iscsi, on_nop, NULL, 0, asked);
      break;
  }
  if (missing != NULL) {
    rx->host->note(rx->host->context, missing);
    return PUSHPULL_UNSUPPORTED;
  }
  return failed ? broken(rx, "libiscsi refuses a request") : PUSHPULL_OK;
}

static int stimulus(void *receiver, const struct pushpull_request *request,
                    struct pushpull_chosen *chosen) {
  struct receiver *rx = receiver;
  uint8_t header[BHS_BYTES];
  int result;
  struct asked *asked = calloc(1, sizeof(*asked));
  if (asked == NULL) return PUSHPULL_BROKEN;
  asked->rx = rx;
  asked->tag = request->initiator_task_tag;
  asked->next = rx->asked;
  rx->asked = asked;
  result = ask(rx, asked, request);
  if (result != PUSHPULL_OK) return result;
  if (flush(rx, header, sizeof(header)) < sizeof(header)) {
    return broken(rx, "libiscsi holds a request back");
  }
  chosen->initiator_task_tag = load32(header + 16);
  chosen->has_next_cmd_sn = 1;
  chosen->next_cmd_sn = load32(header + 24) + ((header[0] & 0x40) == 0 ? 1 : 0);
  return PUSHPULL_OK;
}

static int poll_receiver(void *receiver) {
  struct receiver *rx = receiver;
  uint8_t buffer[CHUNK_BYTES];
  for (;;) {
    const int64_t n = rx->host->recv(rx->host->context, buffer, sizeof(buffer));
    if (n == PUSHPULL_WOULD_BLOCK) return PUSHPULL_OK;
    if (n == PUSHPULL_END) {
      tell(rx, PUSHPULL_EVENT_END, 0, NULL, 0, "%s", "");
      return PUSHPULL_DONE;
    }
    if (write(rx->peer, buffer, (size_t)n) != n) return broken(rx, "write");
    if (service(rx) != PUSHPULL_OK) return PUSHPULL_BROKEN;
    flush(rx, NULL, 0);
    if (rx->lost) {
      tell(rx, PUSHPULL_EVENT_ERROR, PUSHPULL_FLAG_FATAL, NULL, 0, "%s",
           iscsi_get_error(rx->iscsi));
      return PUSHPULL_DONE;
    }
  }
}

static const struct pushpull_receiver kReceiver = {
    .abi_version = PUSHPULL_RECEIVER_ABI_VERSION,
    .struct_size = sizeof(struct pushpull_receiver),
    .name = "libiscsi",
    .capabilities = PUSHPULL_CAP_PULL | PUSHPULL_CAP_TO_INITIATOR | PUSHPULL_CAP_HEADER_DIGEST |
                    PUSHPULL_CAP_STIMULUS,
    .open = open_receiver,
    .poll = poll_receiver,
    .push = NULL,
    .stimulus = stimulus,
    .close = close_receiver,
};

const struct pushpull_receiver *PUSHPULL_RECEIVER_ENTRY(uint32_t host_abi_version) {
  return host_abi_version == PUSHPULL_RECEIVER_ABI_VERSION ? &kReceiver : NULL;
}
