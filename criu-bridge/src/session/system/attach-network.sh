#!/bin/sh
# attach-network.sh HOST ADDRESS/PREFIX MAC: an OCI createRuntime hook; the host's end is named after the host and stays off the bridge and down.
set -eu
pid=$(sed -n 's/.*"pid":[ ]*\([0-9]*\).*/\1/p')
ip link delete "ve-$1" 2>/dev/null || true
ip link add "ve-$1" type veth peer name eth0 address "$3" netns "$pid"
nsenter --net="/proc/$pid/ns/net" sh -c "ip link set lo up; ip address add $2 dev eth0; ip link set eth0 up"
