import {
  endedMigrationPhases,
  lostMigrationReasons,
  migrationKind,
  type MigrationStatus,
  migrationSchema,
} from "@vfleet/shared";
import type { ApiClient } from "../api/api-client.ts";
import { followObject } from "../api/follow.ts";
import { type Cli, interruptedExitCode, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { formatColumns } from "../output/columns.ts";
import { migrationResult, migrationState, RateMeter, RoundLines } from "../output/migration-lines.ts";
import { timelineRows } from "../output/migration-tables.ts";
import { Progress } from "../output/progress.ts";
import { reasonText } from "../output/reason-text.ts";

const statusSchema = migrationSchema.shape.status;

/** Shows how it goes until it has ended. Returns after success; any other end throws, or is said when interrupted. */
export async function followMigration(
  cli: Cli,
  client: ApiClient,
  { server, migration, watch }: { server: string; migration: string; watch: boolean },
): Promise<void> {
  const progress = new Progress(cli.error);
  const rate = new RateMeter();
  const rounds = new RoundLines();
  let said = "";
  const onLost = () => progress.line(`Lost the connection to ${client.server}; the migration goes on, trying again`);
  const options = {
    name: migration,
    namespace: client.namespace,
    signal: cli.signal,
    environment: cli.environment,
    onLost,
  };
  try {
    for await (const object of followObject(client, migrationKind, options)) {
      if (object === undefined) throw fail("object-gone", { what: `Migration "${migration}"` });
      const status: MigrationStatus = statusSchema.parse(object["status"] ?? {}) ?? {};
      const { phase = "Pending" } = status;
      const { headline, bar } = migrationState({
        server,
        status,
        bytesPerSecond: rate.measure(status.movedBytes, cli.environment.monotonicMs()),
      });
      if (headline !== said && !endedMigrationPhases.includes(phase)) progress.line(headline);
      said = headline;
      if (watch) for (const line of rounds.news(server, status)) progress.line(line);
      progress.update(bar);
      if (!endedMigrationPhases.includes(phase)) continue;
      progress.clear();
      if (phase === "Succeeded") print(cli.output, migrationResult(server, status));
      if (watch && (status.timeline ?? []).length > 0)
        print(cli.output, formatColumns(timelineRows(status.timeline ?? [])).join("\n"));
      if (phase === "Succeeded") return;
      throw failure(server, migration, status);
    }
  } catch (thrown) {
    progress.clear();
    if (!cli.signal.aborted) throw thrown;
    print(cli.error, `Stopped following; migration "${migration}" goes on.`);
    print(
      cli.error,
      `To follow it: vctl get migration ${migration} -w\nTo cancel it: vctl migrate --cancel ${migration}`,
    );
    cli.exitCode = interruptedExitCode;
  }
}

function failure(server: string, migration: string, status: MigrationStatus) {
  const reason = reasonText(status) || "no reason given";
  const isLost = lostMigrationReasons.some((each) => each === status.reason);
  const hint = isLost
    ? `The server is the new host's since the commit. See: vctl describe vs ${server}`
    : `The server runs on where it was. See: vctl describe migration ${migration}`;
  if (status.phase === "Cancelled") return fail("migration-cancelled", { migration, reason }, { hint });
  return fail("migration-failed", { server, reason }, { hint });
}
