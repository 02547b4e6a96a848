#!/bin/busybox sh
# shellcheck shell=dash
#
# Process 1 of the guest until the host's root is there: inserts modules, mounts the host's root
# read-only over 9p with a tmpfs overlay, and goes on in it with setup.sh.
B=/bin/busybox
$B mount -t proc proc /proc
$B mount -t sysfs sys /sys
$B mount -t devtmpfs dev /dev

for word in $($B cat /proc/cmdline); do
  case $word in
    pushpull.version=*) version=${word#*=} ;;
    pushpull.base=*) base=${word#*=} ;;
    pushpull.run=*) run=${word#*=} ;;
  esac
done

fail() {
  echo "pushpull: FAILED: $*" >/dev/kmsg
  $B poweroff -f
}

for module in $($B cat /m/order); do
  $B insmod "/m/$module" || fail "insmod $module"
done

tries=0
until $B mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose hostroot /host \
  2>/dev/null; do
  tries=$((tries + 1))
  [ $tries -gt 100 ] && fail "the host's root can't be mounted over 9p"
  $B usleep 50000
done
$B mount -t tmpfs -o size=75% overlay /tmpfs || fail "no tmpfs"
$B mkdir /tmpfs/upper /tmpfs/work
$B mount -t overlay -o lowerdir=/host,upperdir=/tmpfs/upper,workdir=/tmpfs/work root /newroot ||
  fail "no overlay"

new=/newroot
$B mount -t proc proc $new/proc
$B mount -t sysfs sys $new/sys
$B mount -t devtmpfs dev $new/dev
$B mkdir -p $new/dev/pts $new/dev/shm $new/run "$new/lib/modules/$version"
$B mount -t devpts pts $new/dev/pts
$B mount -t tmpfs shm $new/dev/shm
$B mount -t tmpfs run $new/run
$B mount --bind "/host$base/lib/modules/$version" "$new/lib/modules/$version" ||
  fail "no modules in $base"
exec $B chroot $new /bin/bash "$run/setup.sh" "$run"
