import { nginx } from "./nginx.ts";
import { answersOn, type Place, type Workload } from "./workload.ts";

/** What watches time itself, with a mount namespace of its own and a timer that starts it every second. */
const prepare = `
cat >/etc/systemd/system/tick.service <<'END'
[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
PrivateTmp=yes
ProtectSystem=strict
StateDirectory=tick
ExecStart=/bin/sh -c 'echo tick >>/var/lib/tick/ticks'
END
cat >/etc/systemd/system/tick.timer <<'END'
[Timer]
OnActiveSec=1
OnUnitActiveSec=1
AccuracySec=100ms
END
cat >/etc/systemd/system/guarded.service <<'END'
[Service]
DynamicUser=yes
PrivateDevices=yes
ProtectHome=yes
NoNewPrivileges=yes
SystemCallFilter=@system-service
ExecStart=/bin/sleep infinity
END
systemctl daemon-reload
systemctl start tick.timer guarded.service
`;
const units = ["init.scope", "systemd-journald", "dbus", "systemd-logind", "cron", "nginx", "guarded"];
/** Everything that must be the same afterwards: processes, when they were started, how often. */
const lasting = `
systemctl is-system-running
systemctl show --property Id,ActiveState,MainPID,NRestarts,ActiveEnterTimestampMonotonic ${units.join(" ")}
journalctl --list-boots --no-pager | wc -l
`;
const ticks = "cat /var/lib/tick/ticks 2>/dev/null | wc -l";
/** systemd goes on doing its work: it stops and starts, makes and removes cgroups, and its journal listens. */
const working = `
set -e
systemctl restart nginx
systemctl stop guarded
systemd-run --wait --quiet --property PrivateTmp=yes /bin/true
logger --tag zoo heard-after-the-move
journalctl --sync
journalctl --no-pager --identifier zoo | grep -q heard-after-the-move
systemctl --failed --no-legend --plain
`;

function inside({ fleet, server }: Place, script: string): Promise<string> {
  return fleet.does("exec", server, "--", "sh", "-c", script);
}

/** A whole system: systemd, its journal, D-Bus, logins, cron, a timer, services with name spaces and filters, and nginx under wrk. */
export const systemd: Workload = {
  name: "systemd",
  image: { name: "debian-12-systemd", packages: ["systemd-sysv", "dbus", "libpam-systemd", "cron", "nginx-light"] },
  memory: "512Mi",
  options: ["--isolation", "Systemd"],
  command: [],
  probe: async (place) =>
    (await answersOn(80)(place)) &&
    (await place.fleet.vctl("exec", place.server, "--", "systemctl", "is-system-running")).code === 0,
  load: async (place) => {
    await inside(place, prepare);
    const before = await inside(place, lasting);
    const ticked = Number(await inside(place, ticks));
    const load = await nginx.load(place);
    return {
      finish: async () => {
        const after = await inside(place, lasting);
        if (after !== before) throw new Error(`before:\n${before}\nafter:\n${after}`);
        const first = Number(await inside(place, ticks));
        await load.finish();
        const last = Number(await inside(place, ticks));
        if (first <= ticked || last <= first + 5)
          throw new Error(`the timer ticked ${ticked}, ${first}, ${last} times`);
        const failed = await inside(place, working);
        if (failed !== "") throw new Error(`failed units: ${failed}`);
      },
    };
  },
};
