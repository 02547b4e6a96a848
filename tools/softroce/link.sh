#!/bin/bash
# shellcheck disable=SC2154  # assigned in settings
#
# Changes the guest's link of two ends (--link veth): commands get its path in PUSHPULL_RDMA_LINK.
#
#   link.sh shape LOSS DELAY REORDER DUPLICATE MTU   netem, both ways: permille, microseconds,
#                                                    permille, permille; bytes. 0: nothing of it
#   link.sh cut | mend                               nothing gets through, with nobody being told
#   link.sh down | up                                the interfaces
#   link.sh reset                                    as it was made
set -euo pipefail
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck source=/dev/null
source "$(dirname "${BASH_SOURCE[0]}")/settings"
ends=(veth0 veth1)

# What the kernel forgets of an interface that goes down.
routes() {
  ip neigh replace "$peer_address" lladdr "$(</sys/class/net/veth1/address)" dev veth0 nud permanent
  ip neigh replace "$address" lladdr "$(</sys/class/net/veth0/address)" dev veth1 nud permanent
  ip route replace "$peer_address" dev veth0 src "$address" table 101
  ip route replace "$address" dev veth1 src "$peer_address" table 102
}

interfaces() {
  local end
  for end in "${ends[@]}"; do ip link set "$end" "$1"; done
  [[ $1 == down ]] || routes
}

# netem WORD...: none ends it.
netem() {
  local end
  for end in "${ends[@]}"; do
    if (($#)); then
      tc qdisc replace dev "$end" root netem "$@"
    elif tc qdisc show dev "$end" | grep -q netem; then
      tc qdisc del dev "$end" root
    fi
  done
}

percent() { printf '%d.%d%%' $(($1 / 10)) $(($1 % 10)); }

shape() {
  local loss=$1 delay=$2 reorder=$3 duplicate=$4 bytes=$5 end words=()
  # What isn't delayed has nothing to go ahead of.
  ((reorder && !delay)) && delay=1000
  ((delay)) && words+=(delay "${delay}us")
  ((reorder)) && words+=(reorder "$(percent "$reorder")")
  ((loss)) && words+=(loss "$(percent "$loss")")
  ((duplicate)) && words+=(duplicate "$(percent "$duplicate")")
  if ((${#words[@]})); then modprobe sch_netem; fi
  netem "${words[@]}"
  for end in "${ends[@]}"; do ip link set "$end" mtu "$((bytes ? bytes : mtu))"; done
}

case ${1:-} in
  shape) shape "${@:2:5}" ;;
  cut) modprobe sch_netem && netem loss 100% ;;
  mend) netem ;;
  down | up) interfaces "$1" ;;
  routes) routes ;;
  reset) interfaces up && shape 0 0 0 0 0 ;;
  *) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
esac
