#!/bin/sh
# Freezes, and then ends, the servers of a host that can't renew its lease. The agent writes down how long it has; what happens then needs
# neither the agent nor anything else: plain sh, one process, told by files on a tmpfs, by the clock that also counts while a host sleeps.
#
# usage: fence.sh FOLDER CGROUP        until another one writes its process id over this one's
#        fence.sh FOLDER CGROUP end    ends them now
folder=$1
cgroup=$2
root=/sys/fs/cgroup
exec 2>/dev/null

# Hundredths of a second since the boot, as in FOLDER/deadline.
look_at_clock() {
  read -r uptime _ </proc/uptime
  now=$((${uptime%.*} * 100 + 1${uptime#*.} - 100))
}

find_freezer() {
  file=$root/freezer$cgroup/$1/freezer.state frozen=FROZEN thawed=THAWED
  [ -e "$file" ] || file=$root$cgroup/$1/cgroup.freeze frozen=1 thawed=0
  [ -e "$file" ]
}

# Who moves a server freezes and thaws it too, and must not find that undone.
may_freeze() {
  read -r state <"$folder/servers/$1" && [ "$state" = free ]
}

thaw() {
  find_freezer "$1" && echo "$thawed" >"$file"
  rm -f "$folder/frozen/$1"
}

freeze_all() {
  for server in "$folder"/servers/*; do
    uid=${server##*/}
    [ ! -e "$folder/frozen/$uid" ] && may_freeze "$uid" && find_freezer "$uid" || continue
    : >"$folder/frozen/$uid"
    echo "$frozen" >"$file"
    may_freeze "$uid" || thaw "$uid"
  done
}

thaw_all() {
  for mark in "$folder"/frozen/*; do
    uid=${mark##*/}
    [ -e "$mark" ] || continue
    if may_freeze "$uid"; then thaw "$uid"; else rm -f "$mark"; fi
  done
}

# Ends what is in a server's cgroup; whoever is left is looked for again.
end_server() {
  v2=$root$cgroup/$1
  v1=$root/freezer$cgroup/$1
  if grep -q "populated 1" "$v2/cgroup.events"; then
    left=1
    echo 1 >"$v2/cgroup.kill"
  fi
  [ -e "$v1/cgroup.procs" ] || return
  ended=
  while read -r pid; do
    if [ "$pid" -gt 1 ]; then
      # Frozen first, so that none is made meanwhile; the signal counts as soon as they are let go.
      [ -n "$ended" ] || echo FROZEN >"$v1/freezer.state"
      ended=1 left=1
      kill -KILL "$pid"
    fi
  done <"$v1/cgroup.procs"
  [ -z "$ended" ] || echo THAWED >"$v1/freezer.state"
}

end_all() {
  left=
  for server in "$folder"/servers/*; do
    uid=${server##*/}
    before=$left left=
    [ -e "$server" ] && end_server "$uid"
    [ -z "$left" ] || : >"$folder/ended/$uid"
    left=$left$before
    rm -f "$folder/frozen/$uid"
  done
}

if [ "$3" = end ]; then
  tries=100
  while end_all; [ -n "$left" ] && [ $tries -gt 0 ]; do
    tries=$((tries - 1))
    sleep 0.05
  done
  [ -z "$left" ]
  exit
fi

echo $$ >"$folder/pid.$$" && mv "$folder/pid.$$" "$folder/pid"
while read -r owner <"$folder/pid" && [ "$owner" = $$ ]; do
  pause=100
  if read -r freeze_at end_at _ <"$folder/deadline"; then
    look_at_clock
    if [ "$now" -ge "$end_at" ]; then
      end_all
      [ -z "$left" ] || pause=5
    elif [ "$now" -ge "$freeze_at" ]; then
      freeze_all
      pause=$((end_at - now))
      [ $pause -le 10 ] || pause=10
    else
      thaw_all
      pause=$((freeze_at - now))
      [ $pause -le 100 ] || pause=100
    fi
  fi
  sleep $((pause / 100)).$((pause / 10 % 10))$((pause % 10))
done
