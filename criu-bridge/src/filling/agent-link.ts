/** Descriptor under which the program that fills memory finds a socket to the agent. */
export const agentSocket = 3;

/** Where pages are, as that program is told: in CRIU's images, in a store of rounds, with the agent, or in a checkpoint's chunks. */
export const pagesPlaces = { images: "images", store: "store", agent: "agent", checkpoint: "checkpoint" } as const;
export type PagesPlace = keyof typeof pagesPlaces;
