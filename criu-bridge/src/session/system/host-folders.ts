/** Where a host of the box has its things. */
export function hostFolders(box: string, host: string) {
  const base = `${box}/${host}`;
  return {
    base,
    volumes: `${base}/volumes`,
    live: `${base}/volumes/web`,
    bundle: `${base}/bundle`,
    runtimeRoot: `${base}/runc`,
    run: `${base}/run`,
    state: `${base}/state`,
    criuConfig: `${base}/criu.conf`,
    failpoints: `${base}/failpoints`,
    certificates: `${base}/tls`,
  };
}

export const network = {
  bridge: "br0",
  serverAddress: "198.51.100.2",
  prefixLength: 24,
  gatewayAddress: "198.51.100.1",
  serverMac: "02:76:66:00:00:02",
  port: 6379,
} as const;
