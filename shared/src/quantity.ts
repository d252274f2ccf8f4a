import { VfleetError } from "./errors.ts";

const multipliers: Record<string, number> = {
  "": 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

const pattern = /^(\d+(?:\.\d+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$/;

function parse(text: string): number | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const value = Number(match[1]) * (multipliers[match[2] ?? ""] ?? Number.NaN);
  return Number.isFinite(value) && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}

/** `"512Mi"` -> 536870912. Whole, not negative. Kubernetes' quantity grammar without exponents. Throws `quantity-invalid`. */
export function parseBytes(text: string): number {
  const value = parse(text);
  if (value === undefined || !Number.isInteger(value)) {
    throw new VfleetError(
      "quantity-invalid",
      `Cannot read "${text}" as an amount: a whole number with k, M, G, T, Ki, Mi, Gi or Ti is needed`,
    );
  }
  return value;
}

/** `"250m"` -> 250, `"2"` -> 2000. Thousandths of a CPU. Throws `quantity-invalid`. */
export function parseMilliCpu(text: string): number {
  const value = parse(text);
  const milli = value === undefined ? undefined : Math.round(value * 1000);
  if (value === undefined || milli === undefined || Math.abs(milli - value * 1000) > 1e-6) {
    throw new VfleetError(
      "quantity-invalid",
      `Cannot read "${text}" as a share of CPUs: a number of CPUs such as "2" or "0.5", or thousandths such as "250m", is needed`,
    );
  }
  return milli;
}

/** 536870912 -> `512Mi`: the largest binary unit that is exact, for specs and tables. */
export function formatBytes(bytes: number): string {
  for (const unit of ["Pi", "Ti", "Gi", "Mi", "Ki"]) {
    const size = multipliers[unit] ?? 1;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

/** 1536000 -> `1.5 MiB`: for people. */
export function formatBytesForPeople(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB", "TiB"]) {
    if (value < 1024 || unit === "TiB") return `${unit === "B" ? value : value.toFixed(1)} ${unit}`;
    value /= 1024;
  }
  return String(bytes);
}

/** 1500 -> `1500m`, 2000 -> `2`. */
export function formatMilliCpu(milliCpu: number): string {
  return milliCpu % 1000 === 0 ? String(milliCpu / 1000) : `${milliCpu}m`;
}
