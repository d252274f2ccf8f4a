/** One word of a POSIX shell that means exactly `text`. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

export function shellCommand(command: readonly string[]): string {
  return command.map(shellQuote).join(" ");
}
