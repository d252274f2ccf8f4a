#!/bin/sh
# First process of a box, in its own PID, network, mount, UTS and IPC namespaces:
#
#   init.sh HOST INIT PROGRAMS_FOLDER RUN_FOLDER [DISK_FILE VOLUMES_FOLDER]
#
# Says "ready PID START BOOT" on standard output (who it is, as the machine sees it), waits for a line on
# standard input while the network is put in, then becomes the reaping INIT. When whoever starts the box dies
# first, the input ends and so does the box.
set -eu
host=$1 init=$2 programs=$3 run=$4

# The machine's /proc is still mounted here, so that this reads the machine's process id.
read -r stat </proc/self/stat
read -r boot </proc/sys/kernel/random/boot_id
set -- "${5-}" "${6-}" $stat
disk=$1 volumes=$2 pid=$3 start=${24}

echo "$host" >/proc/sys/kernel/hostname
# Between hosts on one machine there is no path to probe or pace for: a machine's bbr only costs time here.
echo reno >/proc/sys/net/ipv4/tcp_congestion_control
mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t tmpfs -o nosuid,nodev,mode=755 vfleet-run /run
mount -t tmpfs -o nosuid,nodev,mode=1777 vfleet-shm /dev/shm
mkdir -p "$run" /run/lock /run/cgroup

# A new sysfs shows this box's links. The cgroups are moved, not bound, into it: programs that find a
# hierarchy mounted twice may pick the hidden one.
mount --move /sys/fs/cgroup /run/cgroup
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount --move /run/cgroup /sys/fs/cgroup
rmdir /run/cgroup

if [ -n "$disk" ]; then
  # mount(8) lets the loop device go by itself when this mount namespace ends.
  mount -t btrfs -o loop,noatime "$disk" "$volumes"
  btrfs quota enable "$volumes"
fi

echo "ready $pid $start $boot"
read -r go
exec "$init" -- sh "${0%/*}/programs.sh" "$programs" "$run" </dev/null >/dev/null
