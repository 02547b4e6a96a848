#!/bin/sh
# libiscsi's initiator for the scripts of `pushpull initiator`: a discovery where the script is
# about one, else a write and a read by QEMU's block driver.
case $PUSHPULL_CASE in
  initiators/target*) exec iscsi-ls "iscsi://$PUSHPULL_ADDRESS" ;;
  *) exec qemu-io -f raw -c 'write -P 7 0 64k' -c 'read -P 7 0 64k' "$PUSHPULL_URL" ;;
esac
