#!/bin/sh
# Makes a host of the guest, once it stands on the machine's files, then becomes the reaping INIT:
#
#   start.sh HOST_FOLDER HOST ADDRESS/PREFIX INIT PROGRAMS_SCRIPT RUN_FOLDER CGROUP SHARED_FOLDERS COMMAND_SERVER...
#
# SHARED_FOLDERS are separated by colons: what is written there is written on the machine. COMMAND_SERVER is a command line.
set -eu
folder=$1 host=$2 address=$3 init=$4 programs=$5 run=$6 cgroup=$7 shared=$8
shift 8
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

echo "$host" >/proc/sys/kernel/hostname
mkdir -p /dev/pts /dev/shm "$run" /run/lock
mount -t devpts -o nosuid,noexec,ptmxmode=0666,mode=0620,gid=5 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev,mode=1777 shm /dev/shm
mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate cgroup2 /sys/fs/cgroup
for name in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control; done
mkdir -p "/sys/fs/cgroup$cgroup"

ip link set lo up
ip addr add "$address" dev eth0
ip link set eth0 up

# The installer's settings, as a machine gets them when it boots.
if [ -e /etc/sysctl.d/60-vfleet.conf ]; then
  while read -r key equals value; do
    if [ "$equals" = "=" ]; then echo "$value" >"/proc/sys/$(echo "$key" | tr . /)" || :; fi
  done </etc/sysctl.d/60-vfleet.conf
fi

IFS=:
for each in $shared; do
  mkdir -p "$each"
  mount --bind "/run/machine$each" "$each"
done
unset IFS

# The two disks: both lose what was not synced when the power goes.
mount -t ext4 -o noatime /dev/vda "$folder/state"
modprobe btrfs
mount -t btrfs -o noatime /dev/vdb "$folder/volumes"
btrfs quota enable "$folder/volumes"

while :; do
  "$@" >>"$folder/logs/commands.log" 2>&1 || :
  sleep 0.5
done &
exec "$init" -- sh "$programs" "$folder/programs" "$run" </dev/null
