#!/bin/sh
# attach-port.sh PORT ADDRESS/PREFIX MAC GATEWAY MTU
# OCI createRuntime hook: gives the container its interface, which the runtime does on restore too. The container's state
# (JSON with its process id) comes on standard input. The host's end stays down and off the bridge: the agent joins it
# when the server may be reached; a packet that came before the sockets are restored would be answered with a reset.
set -eu
# It is one line without an end.
read -r state || true
pid=${state#*\"pid\":}
pid=${pid%%[!0-9 ]*}
pid=$((pid))
ip link delete "$1" 2>/dev/null || true
ip link add "$1" mtu "$5" type veth peer name eth0 address "$3" mtu "$5" netns "$pid"
# Every group may ping: servers have no raw sockets. The gateway is the same on every host.
exec nsenter --net="/proc/$pid/ns/net" sh -c 'echo "0 2147483647" >/proc/sys/net/ipv4/ping_group_range; exec ip -batch -' <<EOF
link set lo up
link set eth0 addrgenmode none
address add $2 dev eth0
link set eth0 up
route add default via $4 dev eth0
EOF
