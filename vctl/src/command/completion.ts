import { type Command, Argument } from "commander";
import { type Cli, print } from "../cli.ts";

/** Both ask vctl itself what fits, so that they know the fleet's names and never age. */
const scripts: Readonly<Record<string, string>> = {
  bash: `# vctl completion for bash. Load it with: source <(vctl completion bash)
_vctl() {
  mapfile -t COMPREPLY < <(vctl __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]]; then compopt -o nospace; fi
}
complete -o default -F _vctl vctl`,
  zsh: `#compdef vctl
# vctl completion for zsh. Load it with: source <(vctl completion zsh)
_vctl() {
  local -a candidates
  candidates=("\${(@f)$(vctl __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ \${#candidates} -eq 0 || ( \${#candidates} -eq 1 && -z \${candidates[1]} ) ]]; then _files; return; fi
  if [[ \${#candidates} -eq 1 && \${candidates[1]} == */ ]]; then compadd -S '' -- "\${candidates[@]}"; else compadd -- "\${candidates[@]}"; fi
}
compdef _vctl vctl`,
};

export function configureCompletion(command: Command, cli: Cli): void {
  command.addArgument(new Argument("<shell>").choices(Object.keys(scripts))).action((shell: string) => {
    print(cli.output, scripts[shell] ?? "");
  });
}
