/* The ABI as a C compiler sees it: sizes and places that plug-ins were compiled with stay. A change
 * here is a new PUSHPULL_RECEIVER_ABI_VERSION, but for what is added at an end. */
#include "fuzz/replay/receiver_plugin.h"

#include <stddef.h>
#include <stdio.h>

#define AT(type, field, offset)                                                   \
  if (offsetof(struct type, field) != (offset)) {                                 \
    printf(#type "." #field " is at %lu and not at %lu\n",                        \
           (unsigned long)offsetof(struct type, field), (unsigned long)(offset)); \
    failures++;                                                                   \
  }

int main(void) {
  int failures = 0;
  AT(pushpull_parameters, struct_size, 0)
  AT(pushpull_parameters, header_digest, 4)
  AT(pushpull_parameters, data_digest, 8)
  AT(pushpull_parameters, max_recv_data_segment_length, 12)
  AT(pushpull_parameters, max_ahs_length, 16)
  AT(pushpull_parameters, max_burst_length, 20)
  AT(pushpull_parameters, first_burst_length, 24)
  AT(pushpull_parameters, initial_r2t, 28)
  AT(pushpull_parameters, immediate_data, 32)
  AT(pushpull_parameters, login_pdus, 36)

  AT(pushpull_host, abi_version, 4)
  AT(pushpull_host, context, 8)
  AT(pushpull_host, recv, 16)
  AT(pushpull_host, send, 24)
  AT(pushpull_host, event, 32)
  AT(pushpull_host, repost, 40)
  AT(pushpull_host, note, 48)

  AT(pushpull_open, direction, 4)
  AT(pushpull_open, phase, 8)
  AT(pushpull_open, transport, 12)
  AT(pushpull_open, parameters, 16)
  AT(pushpull_open, host, 24)
  AT(pushpull_open, options, 32)
  AT(pushpull_open, posted_buffers, 40)
  AT(pushpull_open, first_stat_sn, 44)

  AT(pushpull_event, kind, 4)
  AT(pushpull_event, flags, 8)
  AT(pushpull_event, code, 12)
  AT(pushpull_event, bhs, 16)
  AT(pushpull_event, ahs, 32)
  AT(pushpull_event, data, 48)
  AT(pushpull_event, text, 64)

  AT(pushpull_request, opcode, 4)
  AT(pushpull_request, initiator_task_tag, 8)
  AT(pushpull_request, read, 12)
  AT(pushpull_request, write, 16)
  AT(pushpull_request, expected_data_transfer_length, 20)
  AT(pushpull_request, lun, 24)

  AT(pushpull_chosen, initiator_task_tag, 4)
  AT(pushpull_chosen, has_next_cmd_sn, 8)
  AT(pushpull_chosen, next_cmd_sn, 12)

  AT(pushpull_receiver, abi_version, 0)
  AT(pushpull_receiver, struct_size, 4)
  AT(pushpull_receiver, name, 8)
  AT(pushpull_receiver, capabilities, 16)
  AT(pushpull_receiver, open, 24)
  AT(pushpull_receiver, poll, 32)
  AT(pushpull_receiver, push, 40)
  AT(pushpull_receiver, stimulus, 48)
  AT(pushpull_receiver, close, 56)
  return failures == 0 ? 0 : 1;
}
