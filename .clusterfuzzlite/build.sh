#!/bin/bash
exec "$SRC/pushpull/fuzz/oss_fuzz/build.sh"
