export { startAgent } from "./agent.ts";
export type { AgentOptions, AgentParts, RunningAgent } from "./agent.ts";
