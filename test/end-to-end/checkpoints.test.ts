import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { Fleet, image } from "../fleet/fleet.ts";
import { until } from "../fleet/program.ts";

/** Counts in its memory, shows it in a file, and ends when it is asked to. */
const counting = `
$SIG{TERM} = sub { exit 0 };
for (my $n = 1; ; $n++) {
  open(my $file, ">", "/srv/count.new"); print $file "$n\\n"; close $file;
  rename("/srv/count.new", "/srv/count");
  select(undef, undef, undef, 0.05);
}
`;

describe("a checkpoint", () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await Fleet.open();
    await fleet.haveImage();
    await fleet.openAllNodes();
  });
  afterEach(async () => {
    await fleet.vctl("delete", "checkpoints", "--all");
    await fleet.vctl("delete", "restores", "--all");
    await fleet.remove("counts");
  });

  async function count(): Promise<number> {
    return Number((await fleet.does("exec", "counts", "--", "cat", "/srv/count")).trim());
  }

  async function countsPast(number: number): Promise<number> {
    return until(`it to count past ${number}`, 30_000, async () => {
      const counted = await count();
      return counted > number ? counted : undefined;
    });
  }

  test("keeps memory and files of a running server, and brings them back in its place when that may be replaced", async () => {
    await fleet.does("run", "counts", "--image", image, "--memory", "128Mi", "--", "perl", "-e", counting);
    await countsPast(20);
    await fleet.does("exec", "counts", "--", "sh", "-c", "echo before > /srv/note");
    const taken = await fleet.does("checkpoint", "create", "counts", "--name", "first");
    expect(taken).toContain("checkpoint/first is ready");
    const atMost = await count();
    await fleet.does("exec", "counts", "--", "sh", "-c", "echo after > /srv/note");
    const far = await countsPast(atMost + 60);

    const refused = await fleet.vctl("checkpoint", "restore", "first");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("spec.replace");
    expect(await count()).toBeGreaterThan(far);

    await fleet.does("checkpoint", "restore", "first", "--replace");
    const restored = await count();
    expect(restored).toBeLessThan(far);
    expect(await fleet.does("exec", "counts", "--", "cat", "/srv/note")).toBe("before\n");
    await countsPast(restored + 5);
    expect(await fleet.runningStatus("counts")).toMatchObject({ restarts: 0 });
    expect(await fleet.does("describe", "checkpoint", "first")).toContain("RestoreSucceeded");
  });

  test("is gone from its host when it is deleted", async () => {
    await fleet.does("run", "counts", "--image", image, "--memory", "128Mi", "--", "perl", "-e", counting);
    await fleet.does("checkpoint", "create", "counts", "--name", "second");
    expect(await fleet.does("checkpoint", "list")).toContain("second");
    await fleet.does("checkpoint", "delete", "second");
    const gone = await fleet.vctl("checkpoint", "restore", "second");
    expect(gone.stderr).toContain("There is no checkpoint");
    const nowhere = await fleet.vctl("checkpoint", "create", "nowhere");
    expect(nowhere.stderr).toContain('There is no server "nowhere"');
  });
});
