#!/bin/bash
# shellcheck disable=SC2154  # assigned in $run/settings
#
# Process 1 of the guest in its root: makes the devices, runs the command with its output brought
# out, tells its exit status, and powers off. $1: the run's folder, as on the host.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
run=$1
# shellcheck source=/dev/null
source "$run/settings"

note() { echo "pushpull: $*" >/dev/kmsg; }

# The ports to the host, by their names.
declare -A port
for _ in {1..100}; do
  for entry in /sys/class/virtio-ports/*; do
    [[ -r $entry/name ]] && port[$(<"$entry/name")]=/dev/${entry##*/}
  done
  [[ -n ${port[pushpull.control]:-} && -n ${port[pushpull.err]:-} &&
    -n ${port[pushpull.out]:-} ]] && break
  busybox usleep 50000
done
exec 8>"${port[pushpull.control]}" </dev/null >"${port[pushpull.out]}" 2>"${port[pushpull.err]}"

finish() {
  echo "$1" >&8
  sync
  exec >/dev/null 2>&1 8>&-
  echo o >/proc/sysrq-trigger
  # Nothing but this shell: the root is gone before the power is.
  local end=$((SECONDS + 10))
  while ((SECONDS < end)); do :; done
  busybox poweroff -f
}

fail() {
  note "FAILED: $*"
  finish "failed $*"
}

make_dummy() {
  # Without numdummies=0, which not every Debian's modprobe.d sets, the module makes one by itself.
  modprobe -q dummy numdummies=0
  [[ -e /sys/class/net/dummy0 ]] || ip link add dummy0 type dummy || return
  ip address add "$address/24" dev dummy0 &&
    ip link set dummy0 mtu "$mtu" up && netdevs=(dummy0)
}

# Both ends are in one namespace: the kernel's rxe doesn't work across two. The routing policy sends
# what one end's address has for the other's through the pair, and not through the loopback.
make_veth() {
  local end a=$address b=$peer_address
  ip link add veth0 type veth peer name veth1 || return
  for end in all veth0 veth1; do
    echo 1 >/proc/sys/net/ipv4/conf/$end/accept_local
    echo 0 >/proc/sys/net/ipv4/conf/$end/rp_filter
  done
  ip address add "$a/24" dev veth0 && ip address add "$b/24" dev veth1 || return
  ip link set veth0 mtu "$mtu" up && ip link set veth1 mtu "$mtu" up || return
  "$run/link.sh" routes || return
  ip rule add pref 1 iif veth0 lookup local
  ip rule add pref 1 iif veth1 lookup local
  ip rule add pref 2 from "$a" to "$b" lookup 101
  ip rule add pref 2 from "$b" to "$a" lookup 102
  ip rule add pref 2 oif veth0 to "$b" lookup 101
  ip rule add pref 2 oif veth1 to "$a" lookup 102
  # A client that binds nothing reaches the first end's address by the pair as well.
  ip rule add pref 3 to "$a" lookup 102
  ip rule add pref 100 lookup local
  ip rule del pref 0
  netdevs=(veth0 veth1)
}

load_kind() {
  case $kind in
    rxe) modprobe -a rdma_rxe rdma_ucm ;;
    siw)
      modprobe -a rdma_ucm ib_uverbs || return
      if [[ -z $siw_module ]]; then
        modprobe siw
      else
        modprobe -a libcrc32c ib_core iw_cm && insmod "$siw_module"
      fi
      ;;
  esac
}

ip link set lo up
hostname pushpull-guest
ulimit -l unlimited
load_kind || fail "the modules for $kind can't be loaded"
"make_$link" || fail "the network device ($link) can't be made"
for netdev in "${netdevs[@]}"; do
  rdma link add "${kind}_$netdev" type "$kind" netdev "$netdev" || fail "no $kind on $netdev"
done
tag=0
for share in "${shares[@]}"; do
  mkdir -p "$share"
  mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 "share$tag" "$share" ||
    fail "$share can't be mounted"
  tag=$((tag + 1))
done

export PUSHPULL_RDMA_KIND=$kind PUSHPULL_RDMA_ADDRESS=$address PUSHPULL_RDMA_PEER_ADDRESS=
export PUSHPULL_RDMA_LINK=
[[ $link == veth ]] && PUSHPULL_RDMA_PEER_ADDRESS=$peer_address PUSHPULL_RDMA_LINK=$run/link.sh
echo started >&8
note "command starts"
setsid --wait "$BASH" "$run/command" 8>&-
status=$?
note "command ended with $status"
finish "exit $status"
