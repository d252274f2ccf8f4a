export type {
  MigrationIdentity,
  Outcome,
  RestoreRequest,
  RuncContainer,
  SourceNetwork,
  SourcePorts,
  SourceVolume,
  TargetNetwork,
  TargetPorts,
  TargetVolume,
} from "./session/ports.ts";
