/** Descriptor under which the program that fills memory finds a socket to the agent. */
export const agentSocket = 3;

/** Where pages are, as that program is told: in CRIU's images, in a store of rounds, or with the agent. */
export const pagesPlaces = { images: "images", store: "store", agent: "agent" } as const;
export type PagesPlace = keyof typeof pagesPlaces;
