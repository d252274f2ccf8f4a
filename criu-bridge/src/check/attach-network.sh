#!/bin/sh
# attach-network.sh ADDRESS MAC: an OCI createRuntime hook that gives the container its network interface.
# The host's end is named after the container's process and stays down: whoever restores brings it up when the
# sockets are there, for a packet that comes earlier would be answered with a reset.
set -eu
pid=$(sed -n 's/.*"pid":[ ]*\([0-9]*\).*/\1/p')
ip link add "ck$pid" type veth peer name eth0 address "$2" netns "$pid"
nsenter --net="/proc/$pid/ns/net" ip link set lo up
nsenter --net="/proc/$pid/ns/net" ip address add "$1" dev eth0
nsenter --net="/proc/$pid/ns/net" ip link set eth0 up
