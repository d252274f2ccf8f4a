import { version as clientVersion } from "@vfleet/shared";
import { type Command, Option } from "commander";
import { z } from "zod";
import { connect } from "../api/connect.ts";
import { type Cli, print } from "../cli.ts";
import { toJson, toYaml } from "../output/structured.ts";

const serverVersionSchema = z.looseObject({ gitVersion: z.string() });

export function configureVersion(command: Command, cli: Cli): void {
  command
    .option("--client", "only the version of vctl")
    .addOption(new Option("-o, --output <format>", "json or yaml").choices(["json", "yaml"]))
    .action(async (options: { client?: boolean; output?: "json" | "yaml" }) => {
      const client = { gitVersion: `v${clientVersion}` };
      const show = (server?: { gitVersion: string }) => {
        const versions = { clientVersion: client, ...(server === undefined ? {} : { serverVersion: server }) };
        if (options.output !== undefined)
          print(cli.output, options.output === "json" ? toJson(versions) : toYaml(versions));
        else {
          print(cli.output, `Client Version: ${client.gitVersion}`);
          if (server !== undefined) print(cli.output, `Server Version: ${server.gitVersion}`);
        }
      };
      if (options.client === true) {
        show();
        return;
      }
      let server;
      try {
        server = serverVersionSchema.parse(await (await connect(cli, command)).json({ path: "/version" }));
      } catch (thrown) {
        show(); // what is known is shown even where the server is away
        throw thrown;
      }
      show(server);
    });
}
